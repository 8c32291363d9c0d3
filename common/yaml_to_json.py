#!/usr/bin/env python3
"""Prints a YAML file as JSON: yaml_to_json.py FILE >out.json

Only what means the same in JSON: a member that stands twice, and numbers, dates and words that a reader of
YAML 1.1 and one of 1.2 take for different things, are faults.
"""
import json
import re
import sys

try:
    import yaml
except ImportError:
    sys.exit("yaml_to_json.py: Python's yaml is missing: apt-get install python3-yaml")

PLAIN = {"tag:yaml.org,2002:bool": r"(true|false)$", "tag:yaml.org,2002:null": r"null$",
         "tag:yaml.org,2002:int": r"-?(0|[1-9][0-9]*)$",
         "tag:yaml.org,2002:float": r"-?(0|[1-9][0-9]*)\.[0-9]+$"}
UNLIKE = re.compile(r"(?i)(yes|no|on|off|y|n|~|[-+.]?\d\S*|\d{4}-\d\d?-\d\d?\s.*)$")


class Loader(yaml.SafeLoader):
    """The JSON schema of YAML 1.2: true, false, null and JSON's numbers; all else is text."""

    yaml_implicit_resolvers = {}

    def construct_mapping(self, node, deep=False):
        names = [self.construct_object(key, True) for key, _ in node.value]
        for name, (key, _) in zip(names, node.value):
            if names.count(name) > 1 or not isinstance(name, str):
                raise yaml.YAMLError(f"{key.start_mark}: '{name}' stands twice, or is no text")
        return super().construct_mapping(node, deep)

    def construct_text(self, node):
        if node.style is None and UNLIKE.match(node.value):
            raise yaml.YAMLError(f"{node.start_mark}: '{node.value}' needs quotes")
        return node.value


for tag, pattern in PLAIN.items():
    Loader.add_implicit_resolver(tag, re.compile(pattern), None)
Loader.add_constructor("tag:yaml.org,2002:str", Loader.construct_text)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        try:
            value = yaml.load(f, Loader)
        except yaml.YAMLError as e:
            sys.exit(f"{sys.argv[1]}: {e}")
    json.dump(value, sys.stdout, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


if __name__ == "__main__":
    main()
