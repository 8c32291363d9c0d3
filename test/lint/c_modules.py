"""No circles between modules. A module is a .c file with its header, or the .c files that include one NAME_priv.h
with their headers. It depends on a module whose header it includes or that defines a function or object it names."""
import os
import re

from sources import Report, code_only, files, read

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.M)
# In our format every definition begins in the first column and says its name before its first parenthesis; the body
# of a function begins with a line "{".
ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)\s*", re.S)
DEFINITION = re.compile(r"^(?!static\b|typedef\b|extern\b)[A-Za-z_][^;{}()=#]*?\b(\w+)"
                        r"(?:\([^;{}]*\)\n\{|(?:\[[^;{}=]*\])*\s*=)", re.M)
NAME = re.compile(r"(?<![\w.>])[A-Za-z_]\w*")  # no member: neither .name nor ->name
PRIVATE = "_priv.h"


class Tree:
    """The sources, the module of each, and what each defines."""

    def __init__(self):
        self.text = {path: code_only(read(path), keep_includes=True)
                     for path in files("common/*.c", "common/*.h", "gateway/*.c", "gateway/*.h")
                     if os.path.exists(path)}
        self.includes = {path: [name for name in INCLUDE.findall(text) if name in self.text]
                         for path, text in self.text.items()}
        self.module = {path: self.module_of(path) for path in self.text}
        self.definer = {name: path for path, text in self.text.items() if path.endswith(".c")
                        for name in DEFINITION.findall(ATTRIBUTE.sub("", text))}
        self.declared = {path: set(NAME.findall(text)) & self.definer.keys()
                         for path, text in self.text.items() if path.endswith(".h")}

    def seen_by(self, path):
        """The names of functions and objects that the headers of a file declare, however deep they are included."""
        reached = list(self.includes[path])
        for header in reached:
            reached.extend(name for name in self.includes[header] if name not in reached)
        return set().union(*(self.declared.get(header, ()) for header in reached))

    def module_of(self, path):
        source = path[:-2] + ".c"
        private = [name for name in self.includes.get(source, []) if name.endswith(PRIVATE)]
        if private:
            return private[0][:-len(PRIVATE)]
        return path[:-len(PRIVATE)] if path.endswith(PRIVATE) else path[:-2]

    def uses(self, path):
        """What a file depends on, as (path of the other file, why)."""
        for name in self.includes[path]:
            yield name, f"{path} includes {name}"
        if path.endswith(".c"):
            for name in sorted(set(NAME.findall(self.text[path])) & self.seen_by(path)):
                yield self.definer[name], f"{path} names {name} of {self.definer[name]}"

    def edges(self):
        """module -> other module -> why."""
        graph = {module: {} for module in self.module.values()}
        for path, module in self.module.items():
            for other, why in self.uses(path):
                if self.module[other] != module:
                    graph[module].setdefault(self.module[other], why)
        return graph


def check_private(report, tree):
    """A private header serves one module of its own folder, and no public header."""
    for path, names in tree.includes.items():
        private = [name for name in names if name.endswith(PRIVATE)]
        if len(private) > 1:
            report.add(path, 1, f"includes the private headers of two modules: {private}")
        for name in private:
            if path.endswith(".h"):
                report.add(path, 1, f"a header includes the private {name}")
            elif os.path.dirname(path) != os.path.dirname(name):
                report.add(path, 1, f"includes {name}, private in another folder")


def reached_from(graph, start):
    reached = list(graph[start])
    for module in reached:
        reached.extend(other for other in graph[module] if other not in reached)
    return set(reached)


def circles(graph):
    """The sets of modules that all reach each other."""
    reach = {module: reached_from(graph, module) for module in graph}
    return sorted({tuple(sorted(other for other in reach[module] if module in reach[other]))
                   for module in graph if module in reach[module]})


def shortest(graph, start, members):
    """The shortest way from a module of a circle back to itself."""
    ways, seen = [[start]], set()
    for way in ways:
        for other in graph[way[-1]]:
            if other == start:
                return way + [start]
            if other in members and other not in seen:
                seen.add(other)
                ways.append(way + [other])
    return []


def main():
    report = Report("c_modules")
    tree = Tree()
    graph = tree.edges()
    check_private(report, tree)
    found = circles(graph)
    for circle in found:
        way = min((shortest(graph, module, circle) for module in circle), key=len)
        report.add(f"{way[0]}.c", 1, f"a circle of {len(circle)} modules: {' '.join(circle)}")
        for module, other in zip(way, way[1:]):
            report.add(f"{way[0]}.c", 1, f"  {graph[module][other]}")
    report.finish(f"{len(graph)} modules, {sum(map(len, graph.values()))} edges")


main()
