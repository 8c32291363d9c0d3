# Tollgate's build. `make dev` runs it, `make check` tests it; `make help` lists the targets.
# VARIANT selects a tree under build/: release, asan (address + undefined), tsan (thread).
VARIANT ?= release
BUILD   := build/$(VARIANT)
ifeq ($(origin CC),default)
CC      := gcc
endif
PREFIX  ?= /usr/local
DESTDIR ?=
PYTHON  ?= /usr/bin/python3

# As many jobs as cores, unless told otherwise.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
MAKEFLAGS += --no-print-directory

# One short line a step; V=1 shows the commands.
ifeq ($(V),1)
step =
Q    :=
else
step = @echo "  $(1) $@"
Q    := @
endif

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
        -Wformat=2 -Wvla -Wswitch-enum -Wno-sign-conversion -Wno-format-truncation
ifeq ($(WERROR),1)
WARN += -Werror
endif
HARDEN   := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
LDHARDEN := -pie -Wl,-z,relro,-z,now

OPT_release := -O2 -g $(HARDEN)
LD_release  := $(LDHARDEN)
# Their reports name functions and lines; more than -g1 costs a tenth of the compilation.
OPT_asan := -O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined \
            -fno-sanitize-recover=undefined
LD_asan  := -fsanitize=address,undefined
OPT_tsan := -O1 -g1 -fno-omit-frame-pointer -fsanitize=thread
LD_tsan  := -fsanitize=thread
# libFuzzer, by clang; built by `make fuzz` only.
OPT_fuzz := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
            -fno-sanitize-recover=undefined
LD_fuzz  := -fsanitize=address,undefined

# Each goal installs the Debian packages that it needs, before anything asks for them; in the
# outermost make alone, and not where nothing is to be made (-n).
packages_of = $(or $(PACKAGES_$(1)),$(if $(findstring /unit/,$(1)),unit,build))
PACKAGES_help      := -
PACKAGES_clean     := -
PACKAGES_uninstall := -
PACKAGES_dev       := dev
PACKAGES_dashboard-dev   := dashboard
PACKAGES_check-dashboard := dashboard build
PACKAGES_screenshots     := check screenshots
PACKAGES_lint      := lint
PACKAGES_format    := lint
PACKAGES_unit      := unit
PACKAGES_fuzz      := fuzz
PACKAGES_analyze   := analyze
PACKAGES_unit-build   := unit
PACKAGES_check-unit   := unit
PACKAGES_fuzz-build   := fuzz
PACKAGES_bench        := check bench
PACKAGES_bench-report := lint
PACKAGES_check-full   := full fuzz bench
$(foreach g,check check-integration check-browser check-conformance check-asan check-tsan check-fuzz,\
        $(eval PACKAGES_$(g) := check))
PACKAGES := $(filter-out -,$(sort $(foreach g,$(or $(MAKECMDGOALS),all),$(call packages_of,$(g)))))
ifeq ($(MAKELEVEL)$(findstring n,$(firstword -$(MAKEFLAGS))),0)
ifneq ($(PACKAGES),)
ifneq ($(shell config/install-packages.sh $(PACKAGES) >&2; echo $$?),0)
$(error packages are missing, see above)
endif
endif
endif

# Asked once, not for every file.
PKGS := libevent libevent_openssl openssl libpq libcjson
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
CPPFLAGS += -D_GNU_SOURCE -I. $(PKG_CFLAGS)
CFLAGS  += -std=c11 $(OPT_$(VARIANT)) $(WARN) -pthread -MMD -MP
LDFLAGS += $(LD_$(VARIANT)) -pthread
# The pkg-config file of cjose asks for one that its package does not bring.
LDLIBS  += $(PKG_LIBS) -lcjose -lcurl -lm

LIB_SRC  := $(wildcard common/*.c gateway/*/*.c)
GEN_SRC  := build/gen/migrations.c build/gen/functions.c build/gen/statements.c build/gen/openapi.c build/gen/advice.c \
            build/gen/pages.c
LIB_OBJ  := $(LIB_SRC:%.c=$(BUILD)/%.o) $(GEN_SRC:build/%.c=$(BUILD)/%.o)
LIB      := $(BUILD)/libtollgate.a
# Tests wait for sockets and clocks more than they compute: two at a time for each core. A module's
# tests are run by one process, which has a PostgreSQL of its own, so what they share is made once.
# And each process reads all modules: compiled once, whatever the environment says, not in each stage.
PYTEST   := env PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX=$(CURDIR)/build/pycache \
            $(PYTHON) -m pytest --dist loadfile -n $(shell echo $$((2 * $$(nproc))))
UNIT_SRC := $(wildcard test/unit/*/test_*.c)
UNIT_BIN := $(UNIT_SRC:test/unit/%.c=$(BUILD)/unit/%)
FUZZ_SRC := $(wildcard test/fuzz/fuzz_*.c)
FUZZ_BIN := $(FUZZ_SRC:test/fuzz/%.c=$(BUILD)/fuzz/%)
# There are many of them: the faster of binutils' linkers.
TEST_LD  := -fuse-ld=gold
REPLAY_BIN := $(FUZZ_SRC:test/fuzz/%.c=$(BUILD)/replay/%)
BENCH_SRC := $(wildcard test/bench/*.c)
BENCH_BIN := $(BENCH_SRC:test/bench/%.c=$(BUILD)/bench/%)

.PHONY: all help dev dashboard-dev check check-unit check-dashboard check-integration check-browser screenshots check-conformance check-asan \
        check-tsan check-fuzz check-full lint format analyze fuzz fuzz-build replay-build \
        bench bench-build bench-report man install uninstall clean \
        unit unit-build

## all: build/tollgate
all: $(BUILD)/tollgate
	@ln -sfn $(VARIANT)/tollgate build/tollgate

help:
	@sed -n 's/^## /  make /p' Makefile

$(BUILD)/tollgate: $(BUILD)/gateway/main.o $(LIB)
	$(call step,LD)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Through the list, a source that goes away is noticed as well.
$(BUILD)/.objects: FORCE
	@mkdir -p $(@D)
	@echo '$(LIB_OBJ)' | cmp -s - $@ || echo '$(LIB_OBJ)' >$@

$(LIB): $(LIB_OBJ) $(BUILD)/.objects
	@rm -f $@
	$(call step,AR)
	$(Q)$(AR) rcs $@ $(LIB_OBJ)

# Objects follow the flags that made them: a change of CFLAGS rebuilds.
$(BUILD)/.flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS)' | cmp -s - $@ || echo '$(CC) $(CPPFLAGS) $(CFLAGS)' >$@
FORCE:

# SQL inside the program: migrations, then functions; what C declares for SQL too comes first of
# these. And statements, of which C gives the parameters. A file that goes away rebuilds too, through the list.
DECLARED   := gateway/recorder/cells.def gateway/journal/outcomes.def
MIGRATIONS := $(sort $(wildcard migrations/*.sql))
FUNCTIONS  := build/gen/00_declared.sql $(sort $(wildcard migrations/functions/*.sql))
STATEMENTS := $(sort $(wildcard gateway/statistics/*.sql))
SQL        := $(MIGRATIONS) $(FUNCTIONS) $(STATEMENTS)
build/gen/sql.list: FORCE
	@mkdir -p $(@D)
	@echo '$(SQL)' | cmp -s - $@ || echo '$(SQL)' >$@
build/gen/00_declared.sql: migrations/declared.sh $(DECLARED)
	@mkdir -p $(@D)
	@migrations/declared.sh $(DECLARED) >$@.new && mv $@.new $@
build/gen/migrations.c: common/embed.sh $(MIGRATIONS) build/gen/sql.list
	@common/embed.sh embedded_migrations $(MIGRATIONS) >$@.new && mv $@.new $@
build/gen/functions.c: common/embed.sh $(FUNCTIONS) build/gen/sql.list
	@common/embed.sh embedded_functions $(FUNCTIONS) >$@.new && mv $@.new $@
build/gen/statements.c: common/embed.sh $(STATEMENTS) build/gen/sql.list
	@common/embed.sh embedded_statements $(STATEMENTS) >$@.new && mv $@.new $@

# What the manager's API is, as programs read it.
build/gen/openapi.json: common/yaml_to_json.py docs/openapi.yaml
	@mkdir -p $(@D)
	@$(PYTHON) common/yaml_to_json.py docs/openapi.yaml >$@.new && mv $@.new $@
build/gen/openapi.c: common/embed.sh build/gen/openapi.json
	@common/embed.sh embedded_openapi build/gen/openapi.json >$@.new && mv $@.new $@

# What is advised, as the page about errors has it.
build/gen/advice.c: gateway/http/advice.py docs/errors.md
	@mkdir -p $(@D)
	@$(PYTHON) gateway/http/advice.py docs/errors.md >$@.new && mv $@.new $@

# The pages, built once for all variants: by Node where it is there, and not where PAGES=no.
PAGES ?= yes
PAGES_SRC := $(shell find dashboard -name node_modules -prune -o -type f ! -name '.*' ! -name '*.gen.ts' \
        ! -name '*.test.ts' ! -name dev.mjs ! -name test.mjs ! -name test.d.ts ! -name sizes.mjs -print | LC_ALL=C sort)
build/gen/pages.list: FORCE
	@mkdir -p $(@D)
	@echo '$(PAGES) $(shell command -v node) $(shell command -v npm) $(PAGES_SRC)' | cmp -s - $@ || \
	        echo '$(PAGES) $(shell command -v node) $(shell command -v npm) $(PAGES_SRC)' >$@
build/gen/pages.c: gateway/pages/embed.py gateway/pages/absent.html config/install-node-modules.sh \
                   $(PAGES_SRC) docs/openapi.yaml build/gen/pages.list
	$(call step,PAGES)
	@PAGES=$(PAGES) dashboard/make.sh build/dashboard
	@$(PYTHON) gateway/pages/embed.py build/dashboard >$@.new && mv $@.new $@

# Which commit this is, for `tollgate --version`: of git, where there is one, or COMMIT=...
COMMIT ?= $(shell [ -e .git ] && git -c safe.directory='*' describe --always --abbrev=12 \
        --exclude='*' --dirty 2>/dev/null)
build/gen/commit.h: FORCE
	@mkdir -p $(@D)
	@echo '#define TOLLGATE_COMMIT "$(COMMIT)"' | cmp -s - $@ || \
	        echo '#define TOLLGATE_COMMIT "$(COMMIT)"' >$@
$(BUILD)/gateway/cli/version.o: build/gen/commit.h

$(BUILD)/gen/%.o: build/gen/%.c $(BUILD)/.flags
	@mkdir -p $(@D)
	$(call step,CC)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/%.o: %.c $(BUILD)/.flags
	@mkdir -p $(@D)
	$(call step,CC)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

## dev: install what it needs, build, run everything on this machine (ARGS="..." is passed on)
dev:
	@echo "Building $(BUILD)/tollgate"
	@$(MAKE) -s all
	@echo "The program is build/tollgate: where the docs say \`tollgate\`, say build/tollgate here"
	@exec $(BUILD)/tollgate dev $(ARGS)

## dashboard-dev: the pages from their sources on :5173, with live reload, for what `make dev` runs (ARGS="--port N")
dashboard-dev:
	@config/install-node-modules.sh dashboard
	@exec node dashboard/dev.mjs $(ARGS)

## check: lint, unit, fuzz corpus, integration, sanitizers; installs what it needs
check:
	@test/check.sh

## check-full: check with full sizes and the long runs
check-full:
	@TOLLGATE_TEST_FULL=1 test/check.sh full

unit-build: $(UNIT_BIN)
unit: $(UNIT_BIN)
	@set -e; for t in $(UNIT_BIN); do $$t; done

## check-unit: the unit tests, every file a binary
check-unit: unit-build
	@test/unit/run.sh $(UNIT_BIN)

# What is tested is optimised as ever; the tests themselves run for milliseconds, and compile longer.
$(BUILD)/unit/%: test/unit/%.c $(LIB) $(BUILD)/.flags
	@mkdir -p $(@D)
	$(call step,CC)
	$(Q)$(CC) $(CPPFLAGS) $(filter-out -O% -D_FORTIFY_SOURCE=%,$(CFLAGS)) -O0 $(LDFLAGS) $(TEST_LD) -o $@ $< $(LIB) -lcmocka $(LDLIBS)

## check-dashboard: the pages' types, unit tests (T="text/format") and sizes
check-dashboard: build/gen/pages.c
	@config/install-node-modules.sh dashboard
	@cd dashboard && node node_modules/typescript/bin/tsc --pretty false && node test.mjs $(T)
	@node dashboard/sizes.mjs build/dashboard

## check-integration: the program against real PostgreSQL and scripted upstreams (T="-k sse")
check-integration: all
	@TOLLGATE_BIN=$(BUILD)/tollgate $(PYTEST) test/integration $(T)

## check-browser: of these, the pages in Chromium alone (T="-k tokens")
check-browser: all
	@TOLLGATE_BIN=$(BUILD)/tollgate $(PYTEST) test/integration/browser $(T)

## screenshots: pictures of the pages, in build/screenshots (ARGS="dashboard tokens"; all without)
screenshots: all
	@config/install-node-modules.sh dashboard
	@TOLLGATE_BIN=$(BUILD)/tollgate $(PYTHON) test/browser/screenshots.py $(ARGS)

## check-conformance: the outside HTTP suite in CONFORMANCE_DIR (ours is in check-integration)
check-conformance: all
	@TOLLGATE_TEST_OUTSIDE=1 TOLLGATE_BIN=$(BUILD)/tollgate $(PYTHON) -m pytest -n 2 \
	        test/integration/http/test_conformance.py $(T)

## check-asan: unit tests and the integration tests that matter for it, address + undefined
check-asan:
	@$(MAKE) VARIANT=asan build/asan/tollgate check-unit
	@TOLLGATE_BIN=build/asan/tollgate $(PYTEST) test/integration -m sanitizer $(T)

# gcc 12's thread sanitizer can't place its shadow where addresses are spread over more bits.
STEADY := $(shell [ "$$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 0)" -gt 28 ] && \
        setarch -R true 2>/dev/null && echo setarch -R)
## check-tsan: the same under the thread sanitizer
check-tsan:
	@$(STEADY) $(MAKE) VARIANT=tsan build/tsan/tollgate check-unit
	@TOLLGATE_BIN=build/tsan/tollgate $(STEADY) $(PYTEST) test/integration -m sanitizer $(T)

## check-fuzz: replay the fuzz corpora under asan
check-fuzz:
	@$(MAKE) VARIANT=asan replay-build
	@test/fuzz/replay.sh build/asan/replay

replay-build: $(REPLAY_BIN)
$(BUILD)/replay/%: test/fuzz/%.c test/fuzz/replay.c $(LIB) $(BUILD)/.flags
	@mkdir -p $(@D)
	$(call step,CC)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(TEST_LD) -o $@ $< test/fuzz/replay.c $(LIB) $(LDLIBS)

## fuzz: run every fuzz target for FUZZ_SECONDS (30) under libFuzzer
FUZZ_SECONDS ?= 30
fuzz:
	@$(MAKE) VARIANT=fuzz CC=clang WARN= fuzz-build
	@test/fuzz/run.sh $(FUZZ_SECONDS) build/fuzz/fuzz

fuzz-build: $(FUZZ_BIN)
$(BUILD)/fuzz/%: test/fuzz/%.c $(LIB) $(BUILD)/.flags
	@mkdir -p $(@D)
	$(call step,CC)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $< $(LIB) $(LDLIBS)

## lint: format, layers, banned functions, sizes, docs against code, scripts
lint:
	@test/lint/run.sh

## format: rewrite C files in the tree's style
format:
	@clang-format -i $$(git ls-files '*.c' '*.h')

## analyze: cppcheck and clang-tidy
analyze:
	@test/lint/analyze.sh $(CPPFLAGS)

bench-build: $(BENCH_BIN)
$(BUILD)/bench/%: test/bench/%.c $(LIB) $(BUILD)/.flags
	@mkdir -p $(@D)
	$(call step,CC)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(LIB) $(LDLIBS)

## bench: what Tollgate promises, and its peers beside it (ARGS="counts peers"; all without)
bench:
	@$(MAKE) all bench-build
	@config/install-node-modules.sh dashboard
	@TOLLGATE_BIN=$(BUILD)/tollgate $(PYTHON) test/bench/run.py $(ARGS)

## bench-report: docs/performance.md, from what `make bench` left in build/bench
bench-report:
	@$(PYTHON) test/bench/report.py docs/performance.md

## man: manual pages, of the tables that --help is made from
man: build/gen/tollgate.1 build/gen/tollgate.json.5
build/gen/tollgate.1: $(BUILD)/tollgate
	@$< manual commands >$@.new && mv $@.new $@
build/gen/tollgate.json.5: $(BUILD)/tollgate
	@$< manual configuration >$@.new && mv $@.new $@

SHARE := $(DESTDIR)$(PREFIX)/share/tollgate
MAN   := $(DESTDIR)$(PREFIX)/share/man
# Where shells look by themselves.
BASH_COMPLETION := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSH_COMPLETION  := $(DESTDIR)$(PREFIX)/share/zsh/site-functions
FISH_COMPLETION := $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
## install: program, manual pages, completion, examples (configuration, units, nginx site) under DESTDIR and PREFIX (/usr/local)
install: all man
	install -d $(DESTDIR)$(PREFIX)/bin $(SHARE) $(MAN)/man1 $(MAN)/man5
	install -d $(BASH_COMPLETION) $(ZSH_COMPLETION) $(FISH_COMPLETION)
	install -m 644 build/gen/tollgate.1 $(MAN)/man1
	install -m 644 build/gen/tollgate.json.5 $(MAN)/man5
	$(BUILD)/tollgate completion bash >$(BASH_COMPLETION)/tollgate
	$(BUILD)/tollgate completion zsh >$(ZSH_COMPLETION)/_tollgate
	$(BUILD)/tollgate completion fish >$(FISH_COMPLETION)/tollgate.fish
	chmod 644 $(BASH_COMPLETION)/tollgate $(ZSH_COMPLETION)/_tollgate $(FISH_COMPLETION)/tollgate.fish
	install -m 755 $(BUILD)/tollgate $(DESTDIR)$(PREFIX)/bin/tollgate
	install -m 644 config/tollgate.json config/nginx.conf config/tollgate.service config/tollgate.socket $(SHARE)
	@sed -i 's|/usr/local/bin/tollgate|$(PREFIX)/bin/tollgate|' $(SHARE)/tollgate.service

## uninstall: remove what `make install` put there, and nothing else
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/tollgate $(MAN)/man1/tollgate.1 $(MAN)/man5/tollgate.json.5
	rm -f $(BASH_COMPLETION)/tollgate $(ZSH_COMPLETION)/_tollgate $(FISH_COMPLETION)/tollgate.fish
	rm -rf $(SHARE)
	@echo "Left as they are: /etc/tollgate, /var/lib/tollgate, copies of the units and of the nginx site,"
	@echo "the user tollgate, the database (docs/deploying.md, \"Removing it\")"

## clean: remove build/
clean:
	rm -rf build

-include $(LIB_OBJ:.o=.d) $(BUILD)/gateway/main.d $(UNIT_BIN:=.d) $(FUZZ_BIN:=.d) \
         $(REPLAY_BIN:=.d) $(BENCH_BIN:=.d)
