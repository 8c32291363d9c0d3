# Tollgate's build. `make dev` runs it, `make check` tests it; see README.md.
# VARIANT selects a tree under build/: release, asan (address + undefined), tsan (thread).
VARIANT ?= release
BUILD   := build/$(VARIANT)
CC      ?= gcc

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
        -Wformat=2 -Wvla -Wswitch-enum -Wno-sign-conversion
ifeq ($(WERROR),1)
WARN += -Werror
endif
HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
LDHARDEN := -pie -Wl,-z,relro,-z,now

OPT_release := -O2 -g $(HARDEN)
LD_release  := $(LDHARDEN)
OPT_asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
LD_asan  := -fsanitize=address,undefined
OPT_tsan := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
LD_tsan  := -fsanitize=thread

PKGS := libevent libevent_openssl openssl libpq libcjson
CPPFLAGS += -D_GNU_SOURCE -I. $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
CFLAGS  += -std=c11 $(OPT_$(VARIANT)) $(WARN) -pthread -MMD -MP
LDFLAGS += $(LD_$(VARIANT)) -pthread
LDLIBS  += $(shell pkg-config --libs $(PKGS) 2>/dev/null)

LIB_SRC  := $(wildcard common/*.c gateway/*/*.c)
LIB_OBJ  := $(LIB_SRC:%.c=$(BUILD)/%.o)
LIB      := $(BUILD)/libtollgate.a
UNIT_SRC := $(wildcard test/unit/test_*.c)
UNIT_BIN := $(UNIT_SRC:test/unit/%.c=$(BUILD)/unit/%)

.PHONY: all clean unit
all: $(BUILD)/tollgate
	@ln -sfn $(VARIANT)/tollgate build/tollgate

$(BUILD)/tollgate: $(BUILD)/gateway/main.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

unit: $(UNIT_BIN)
	@set -e; for t in $(UNIT_BIN); do $$t; done

$(BUILD)/unit/%: test/unit/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(LIB) -lcmocka $(LDLIBS)

clean:
	rm -rf build

-include $(LIB_OBJ:.o=.d) $(BUILD)/gateway/main.d
