# SPDX-License-Identifier: BSD-2-Clause
# One Makefile. `make help` lists what it can do.

BUILD  ?= build
BOARD  ?= mps2-an521
PREFIX ?= /usr/local
FILES  ?=

VERSION := 0.1.0
BOARDS  := mps2-an521 mps2-an385
APPS    := $(notdir $(wildcard firmware/apps/*))

ifeq ($(filter $(BOARD),$(BOARDS)),)
$(error BOARD=$(BOARD): there is no such board, only $(BOARDS))
endif

CC       := $(CROSS_COMPILE)gcc
AR       := $(CROSS_COMPILE)ar
ARMCC    := arm-none-eabi-gcc
ARMAR    := arm-none-eabi-ar
OPT      ?= -O2
WARN     := -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes \
	    $(if $(WERROR),-Werror)
# The region may start at address 0; see common/mbx/word.h.
LANGUAGE := -std=gnu11 -fno-delete-null-pointer-checks -fno-common
CFLAGS   ?= -g
ALL_CFLAGS = $(LANGUAGE) $(OPT) $(WARN) -MMD -MP -Icommon $(CFLAGS)

comma := ,
Q     := $(if $(V),,@)
quiet := $(V)$(findstring s,$(firstword -$(MAKEFLAGS)))
say    = $(if $(quiet),,@printf '  %-7s %s\n' $(1) $(2))

.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:

all: linux firmware ## Build the library, the command, the examples and the firmware

# ---- the Linux side: library, command, examples ----

COMMON := $(wildcard common/*.c)
LIBSRC := $(COMMON) $(wildcard linux/*.c)
CMDSRC := $(wildcard linux/cmd/*.c)
EXSRC  := $(wildcard linux/examples/*.c)
LIBOBJ := $(LIBSRC:%.c=$(BUILD)/host/%.o)
CMDOBJ := $(CMDSRC:%.c=$(BUILD)/host/%.o)
EXAMPLES := $(EXSRC:linux/examples/%.c=$(BUILD)/examples/%)
SONAME := libmbx.so.0

$(BUILD)/host/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Ilinux -fPIC \
		-DMBX_VERSION='"$(VERSION)"' -c $< -o $@

# On Linux, what is mapped as Normal memory is copied in larger pieces.
LINUX_PORT := -DMBX_PORT_HEADER='"port_linux.h"'
$(BUILD)/host/common/%.o: ALL_CFLAGS += $(LINUX_PORT)

# The tools' JSON comes from jansson; the library needs nothing but libc.
$(BUILD)/host/linux/cmd/%.o: ALL_CFLAGS += -Ilinux/cmd

$(BUILD)/libmbx.a: $(LIBOBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@; $(AR) rcs $@ $^

$(BUILD)/$(SONAME): $(LIBOBJ) linux/libmbx.map
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -shared -Wl,-soname,$(SONAME) \
		-Wl,--version-script,linux/libmbx.map -o $@ $(LIBOBJ) -pthread
	$(Q)ln -sf $(SONAME) $(BUILD)/libmbx.so

$(BUILD)/mbx: $(CMDOBJ) $(BUILD)/libmbx.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $(CMDOBJ) $(BUILD)/libmbx.a -ljansson -pthread

$(BUILD)/examples/%: $(BUILD)/host/linux/examples/%.o $(BUILD)/libmbx.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ -pthread

linux: $(BUILD)/libmbx.a $(BUILD)/$(SONAME) $(BUILD)/mbx $(EXAMPLES) ## Build library, command and examples

# ---- firmware: one library a core, one ELF an application, or a process ----

# firmware_for BOARD: its board.mk sets CPU, SRC (beside the application's) and
# the linker script LD; boards that share files name them there.
define firmware_for
include firmware/boards/$(1)/board.mk
$(1)_DIR := $(BUILD)/$(1)
$(1)_FLAGS := $$(CPU) -ffreestanding -ffunction-sections -fdata-sections \
	-Ifirmware -Ifirmware/boards/$(1)
$(1)_LIB := $(COMMON:%.c=$(BUILD)/$(1)/%.o)
$(1)_BOARD := $$(SRC:%.c=$(BUILD)/$(1)/%.o)
$(1)_LD := $$(LD)

$(BUILD)/$(1)/%.o: %.c
	$$(call say,CC,"$$< ($(1))")
	@mkdir -p $$(@D)
	$(Q)$(ARMCC) $$(ALL_CFLAGS) $$($(1)_FLAGS) -c $$< -o $$@

$(BUILD)/$(1)/libmbx.a: $$($(1)_LIB)
	$$(call say,AR,$$@)
	$(Q)rm -f $$@; $(ARMAR) rcs $$@ $$^

$(foreach a,$(APPS),$(call firmware_app,$(1),$(a)))
firmware-$(1): $(APPS:%=$(BUILD)/$(1)/%.elf)
endef

define firmware_app

$(BUILD)/$(1)/$(2).elf: $(patsubst %.c,$(BUILD)/$(1)/%.o,$(wildcard firmware/apps/$(2)/*.c)) $$($(1)_BOARD) $(BUILD)/$(1)/libmbx.a $$($(1)_LD)
	$$(call say,LD,$$@)
	$(Q)$(ARMCC) $$($(1)_FLAGS) -nostdlib -nostartfiles -Wl,--gc-sections \
		-Wl,--no-warn-rwx-segments -Wl,-T,$$($(1)_LD) \
		-Wl,-Map,$$(@:.elf=.map) -o $$@ $$(filter %.o %.a,$$^) -lgcc

endef

$(foreach b,$(BOARDS),$(eval $(call firmware_for,$(b))))

firmware: firmware-$(BOARD) ## Build all firmware for BOARD (mps2-an521)

# The same applications as Linux processes: how firmware is tested on a host.
HOSTAPPS := $(APPS:%=$(BUILD)/host/%)
HOSTBOARD := $(wildcard firmware/boards/linux/*.c)
$(BUILD)/host/firmware/%.o: ALL_CFLAGS += -Ifirmware -Ifirmware/boards/linux
define host_app
$(BUILD)/host/$(1): $(patsubst %.c,$(BUILD)/host/%.o,$(wildcard firmware/apps/$(1)/*.c) $(HOSTBOARD)) $(BUILD)/libmbx.a
	$$(call say,LD,$$@)
	$(Q)$(CC) $(CFLAGS) -o $$@ $$^ -pthread
endef
$(foreach a,$(APPS),$(eval $(call host_app,$(a))))

firmware-linux: $(HOSTAPPS) ## Build the firmware applications as Linux processes

# ---- tests ----

UNITSRC := $(wildcard tests/unit/test_*.c)
UNITS   := $(UNITSRC:tests/unit/%.c=%)
# What unit tests may link besides the library: the firmware's own modules.
UNITEXTRA := $(filter-out %/main.c,$(wildcard firmware/apps/*/*.c))

# unit_variant NAME FLAGS: the unit tests and everything under them, built so
define unit_variant
$(BUILD)/$(1)/%.o: %.c
	$$(call say,CC,"$$< ($(1))")
	@mkdir -p $$(@D)
	$(Q)$(CC) $$(ALL_CFLAGS) -Ilinux -Ifirmware $(APPS:%=-Ifirmware/apps/%) -Itests \
		$(2) -DMBX_VERSION='"$(VERSION)"' -c $$< -o $$@
$(BUILD)/$(1)/common/%.o: ALL_CFLAGS += $(LINUX_PORT)
$(BUILD)/$(1)/libmbx.a: $(LIBSRC:%.c=$(BUILD)/$(1)/%.o) $(UNITEXTRA:%.c=$(BUILD)/$(1)/%.o)
	$$(call say,AR,$$@)
	$(Q)rm -f $$@; $(AR) rcs $$@ $$^
$(BUILD)/$(1)/test_%: $(BUILD)/$(1)/tests/unit/test_%.o $(BUILD)/$(1)/libmbx.a
	$$(call say,LD,$$@)
	$(Q)$(CC) $(CFLAGS) $(2) -o $$@ $$^ -lcmocka -pthread
unit-$(1): $(UNITS:%=$(BUILD)/$(1)/%)
endef
$(eval $(call unit_variant,unit,))
$(eval $(call unit_variant,asan,-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer))
$(eval $(call unit_variant,tsan,-fsanitize=thread -DMBX_DATA_PLAIN -Wno-tsan))
# End-to-end programs, run by tests/e2e_*.sh with firmware beside them
E2E := $(patsubst tests/e2e/%.c,$(BUILD)/e2e/%,$(wildcard tests/e2e/*.c))
$(BUILD)/e2e/%: $(BUILD)/unit/tests/e2e/%.o $(BUILD)/libmbx.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ -lcmocka -pthread

# Firmware that nothing but its doorbell wakes: the test of the doorbell
$(BUILD)/notick/%: FORCE
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/notick \
		CFLAGS="$(CFLAGS) -DMBX_TICK_HZ=0" $@
FORCE:

setup: ## Install what the build and the tests need (apt, or says what)
	$(Q)scripts/setup.sh build run test

test: ## Run all tests, unit and end to end (installs what is missing)
	$(Q)scripts/setup.sh build run test
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) test-only

test-only: linux firmware-linux $(BOARDS:%=firmware-%) unit-unit unit-asan unit-tsan $(E2E) \
		$(BUILD)/notick/mps2-an521/echo.elf
test-only: ## Run all tests with what is installed
	$(Q)BUILD=$(abspath $(BUILD)) tests/run

verify: ## Prove or try every promise on common/ (a quarter of an hour)
	$(Q)scripts/setup.sh build test verify
	$(Q)BUILD=$(abspath $(BUILD)) tests/verify/verify.py

verify-seeds: ## Break one thing at a time: is it caught, and by what?
	$(Q)scripts/setup.sh build test verify
	$(Q)BUILD=$(abspath $(BUILD)) tests/verify/verify.py --seeds

verify-long: ## What takes longer (two deaths in a run, larger rings)
	$(Q)scripts/setup.sh build test verify
	$(Q)BUILD=$(abspath $(BUILD)) tests/verify/verify.py --long

run: ## Boot the firmware and run the main job (FILES="a b" streams those too)
	$(Q)scripts/setup.sh build run
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) $(if $(V),,-s) linux firmware-$(BOARD)
	$(Q)BUILD=$(abspath $(BUILD)) scripts/demo.sh $(BOARD) $(FILES)

# ---- figures that every run repeats: bytes, instructions ----

BENCH := BUILD=$(abspath $(BUILD)) ARMCC=$(ARMCC) CC=$(CC) python3 tests/bench/bench.py

size: ## Bytes of code, data, stack and RAM, by part, core and -Os/-O2
	$(Q)scripts/setup.sh build bench
	$(Q)$(BENCH) size

bench-firmware: ## Instructions and shared accesses of each call, by core
	$(Q)scripts/setup.sh build bench
	$(Q)$(BENCH) firmware

bench-diff: ## What of these differs from git's revision BASE= (HEAD)
	$(Q)scripts/setup.sh build bench
	$(Q)$(BENCH) diff $(or $(BASE),HEAD)

budget: ## Make the present figures those that tests/budget.sh allows
	$(Q)scripts/setup.sh build bench
	$(Q)$(BENCH) budget-write

# ---- the rest ----

install: linux ## Install command, manual, libraries, headers (DESTDIR=, PREFIX=)
	$(Q)install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig \
		$(DESTDIR)$(PREFIX)/include/mbx $(DESTDIR)$(PREFIX)/share/man/man1
	$(Q)install -m 755 $(BUILD)/mbx $(DESTDIR)$(PREFIX)/bin/
	$(Q)install -m 644 linux/mbx.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	$(Q)install -m 644 $(BUILD)/libmbx.a $(DESTDIR)$(PREFIX)/lib/
	$(Q)install -m 755 $(BUILD)/$(SONAME) $(DESTDIR)$(PREFIX)/lib/
	$(Q)ln -sf $(SONAME) $(DESTDIR)$(PREFIX)/lib/libmbx.so
	$(Q)install -m 644 common/mbx/*.h linux/mbx/*.h $(DESTDIR)$(PREFIX)/include/mbx/
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' linux/mbx.pc.in \
		> $(DESTDIR)$(PREFIX)/lib/pkgconfig/mbx.pc

SOURCES = $(shell git ls-files '*.c' '*.h' 2>/dev/null)

format: ## Format all C sources
	$(Q)clang-format -i $(SOURCES)

check: ## Check formatting and style, with warnings as errors
	$(Q)scripts/setup.sh build check
	$(Q)BUILD=$(abspath $(BUILD)) scripts/check.sh

clean: ## Remove everything built
	$(Q)rm -rf $(BUILD)

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo '  variables: BOARD= ($(BOARDS)), BUILD= (build), FILES=, BASE=, V=1, WERROR=1,'
	@echo '             CROSS_COMPILE=, OPT= (-O2), CFLAGS=, PREFIX=, DESTDIR='

.PHONY: all linux firmware firmware-linux setup test test-only verify \
	verify-seeds verify-long run size bench-firmware bench-diff budget install \
	format check clean help unit-unit unit-asan unit-tsan $(BOARDS:%=firmware-%)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
