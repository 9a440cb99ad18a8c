# SPDX-License-Identifier: BSD-2-Clause
# One Makefile. `make help` lists what it can do.

# Another compiler's objects have a folder of their own.
TRIPLET := $(patsubst %-,%,$(notdir $(CROSS_COMPILE)))
BUILD  ?= build$(TRIPLET:%=/%)
# By one name, however it was given: the .d files go by it.
override BUILD := $(patsubst $(CURDIR)/%,%,$(abspath $(BUILD)))
BOARD  ?= mps2-an521
PREFIX ?= /usr/local
FILES  ?=

VERSION := 0.1.0
BOARDS  := mps2-an521 mps2-an385 zcu102-r5
APPS    := $(notdir $(wildcard firmware/apps/*))
TESTAPPS := $(notdir $(wildcard tests/firmware/*)) # firmware that only tests run

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
# Files above 2 GiB and times after 2038 on 32-bit hosts too
HOST     := -Ilinux -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64
LINK      = $(CC) $(CFLAGS) $(if $(STATIC),-static)

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
# Static programs are linked from the same objects, to a place of their own.
OUT    := $(BUILD)$(if $(STATIC),/static)
LIBOBJ := $(LIBSRC:%.c=$(BUILD)/host/%.o)
CMDOBJ := $(CMDSRC:%.c=$(BUILD)/host/%.o)
EXAMPLES := $(EXSRC:linux/examples/%.c=$(OUT)/examples/%)
SONAME := libmbx.so.0

$(BUILD)/host/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(HOST) -fPIC \
		-DMBX_VERSION='"$(VERSION)"' -c $< -o $@

# On Linux, what is mapped as Normal memory is copied in larger pieces.
LINUX_PORT := -DMBX_PORT_HEADER='"port_linux.h"'
$(BUILD)/host/common/%.o: ALL_CFLAGS += $(LINUX_PORT)

# The tools' JSON comes from jansson; the library needs nothing but libc.
$(BUILD)/host/linux/cmd/%.o: ALL_CFLAGS += -Ilinux/cmd

# Another architecture's jansson (and the tests' cmocka): what its compiler
# finds by itself, else Debian's, in a folder that serves as the compiler's:
# the same one for whoever builds for that architecture, or objects would be
# linked without what they were compiled with.
ifneq ($(CROSS_COMPILE),)
DEBIAN_aarch64-linux-gnu := arm64
DEBIAN_arm-linux-gnueabihf := armhf
debian = $(or $(DEBIAN_$(1)),$(firstword $(subst -, ,$(1))))
ifeq ($(shell command -v $(firstword $(CC))),)
$(error $(CC), which CROSS_COMPILE=$(CROSS_COMPILE) means, is missing: \
	$(if $(findstring -linux-,$(TRIPLET)),apt-get install gcc-$(TRIPLET) \
	libc6-dev-$(call debian,$(TRIPLET))-cross,expected the beginning of a \
	compiler's name before "gcc", as aarch64-linux-gnu-))
endif
ifeq ($(shell echo 'int main(void) { return 0; }' | $(CC) $(CFLAGS) -x c \
	-include jansson.h - -ljansson -o /dev/null 2>/dev/null && echo found),)
MULTIARCH := $(or $(shell $(CC) -print-multiarch 2>/dev/null),$(TRIPLET))
DEBIAN := $(call debian,$(MULTIARCH))
SYSROOT ?= $(BUILD:%/$(TRIPLET)=%)/fetched/$(DEBIAN)
TARGETLIBS := $(SYSROOT)/usr/include/jansson.h
HOST += -isystem $(SYSROOT)/usr/include
LINK += -L$(SYSROOT)/usr/lib/$(MULTIARCH) -L$(SYSROOT)/usr/lib

$(TARGETLIBS):
	$(call say,FETCH,"$(SYSROOT) (jansson and cmocka for $(DEBIAN))")
	$(Q)scripts/fetch.sh --deps 'lib*' $(DEBIAN) $(SYSROOT) \
		libjansson-dev libcmocka-dev || { echo "no jansson for" \
		"$(TRIPLET): install it, or name a tree with it: SYSROOT=DIR"; \
		exit 1; } >&2
$(CMDOBJ): | $(TARGETLIBS)
endif
endif

$(BUILD)/libmbx.a: $(LIBOBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@; $(AR) rcs $@ $^

$(BUILD)/$(SONAME): $(LIBOBJ) linux/libmbx.map
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -shared -Wl,-soname,$(SONAME) \
		-Wl,--version-script,linux/libmbx.map -o $@ $(LIBOBJ) -pthread
	$(Q)ln -sf $(SONAME) $(BUILD)/libmbx.so

$(OUT)/mbx: $(CMDOBJ) $(BUILD)/libmbx.a | $(TARGETLIBS)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $(CMDOBJ) $(BUILD)/libmbx.a -ljansson -pthread

$(OUT)/examples/%: $(BUILD)/host/linux/examples/%.o $(BUILD)/libmbx.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ -pthread

linux: $(BUILD)/libmbx.a $(BUILD)/$(SONAME) $(OUT)/mbx $(EXAMPLES) ## Build library, command and examples

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

$(BUILD)/$(1)/%.o: %.c firmware/boards/$(1)/board.mk
	$$(call say,CC,"$$< ($(1))")
	@mkdir -p $$(@D)
	$(Q)$(ARMCC) $$(ALL_CFLAGS) $$($(1)_FLAGS) -c $$< -o $$@

$(BUILD)/$(1)/libmbx.a: $$($(1)_LIB)
	$$(call say,AR,$$@)
	$(Q)rm -f $$@; $(ARMAR) rcs $$@ $$^

$(foreach a,$(APPS) $(TESTAPPS),$(call firmware_app,$(1),$(a)))
firmware-$(1): $(APPS:%=$(BUILD)/$(1)/%.elf)
endef

sources = $(wildcard firmware/apps/$(1)/*.c tests/firmware/$(1)/*.c)

define firmware_app

$(BUILD)/$(1)/$(2).elf: $(patsubst %.c,$(BUILD)/$(1)/%.o,$(call sources,$(2))) $$($(1)_BOARD) $(BUILD)/$(1)/libmbx.a $$($(1)_LD) $(wildcard firmware/boards/*.ld)
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
$(BUILD)/host/firmware/%.o $(BUILD)/host/tests/%.o: \
	ALL_CFLAGS += -Ifirmware -Ifirmware/boards/linux
define host_app
$(BUILD)/host/$(1): $(patsubst %.c,$(BUILD)/host/%.o,$(call sources,$(1)) $(HOSTBOARD)) $(BUILD)/libmbx.a
	$$(call say,LD,$$@)
	$(Q)$$(LINK) -o $$@ $$^ -pthread
endef
$(foreach a,$(APPS) $(TESTAPPS),$(eval $(call host_app,$(a))))

firmware-linux: $(HOSTAPPS) ## Build the firmware applications as Linux processes

# ---- tests ----

UNITSRC := $(wildcard tests/unit/test_*.c)
UNITS   := $(UNITSRC:tests/unit/%.c=%)
# What unit tests may link besides the library: the firmware's own modules.
UNITEXTRA := $(filter-out %/main.c,$(wildcard firmware/apps/*/*.c)) \
	     firmware/pmsav7.c

# unit_variant NAME FLAGS: the unit tests and everything under them, built so
define unit_variant
$(BUILD)/$(1)/%.o: %.c | $(TARGETLIBS)
	$$(call say,CC,"$$< ($(1))")
	@mkdir -p $$(@D)
	$(Q)$(CC) $$(ALL_CFLAGS) $$(HOST) -Ifirmware $(APPS:%=-Ifirmware/apps/%) -Itests \
		$(2) -DMBX_VERSION='"$(VERSION)"' -c $$< -o $$@
$(BUILD)/$(1)/common/%.o: ALL_CFLAGS += $(LINUX_PORT)
$(BUILD)/$(1)/libmbx.a: $(LIBSRC:%.c=$(BUILD)/$(1)/%.o) $(UNITEXTRA:%.c=$(BUILD)/$(1)/%.o)
	$$(call say,AR,$$@)
	$(Q)rm -f $$@; $(AR) rcs $$@ $$^
$(BUILD)/$(1)/test_%: $(BUILD)/$(1)/tests/unit/test_%.o $(BUILD)/$(1)/libmbx.a | $(TARGETLIBS)
	$$(call say,LD,$$@)
	$(Q)$$(LINK) $(2) -o $$@ $$^ -lcmocka -pthread
unit-$(1): $(UNITS:%=$(BUILD)/$(1)/%)
endef
$(eval $(call unit_variant,unit,$(if $(CROSS_COMPILE),-DUNDER_QEMU=1)))
$(eval $(call unit_variant,asan,-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer))
$(eval $(call unit_variant,tsan,-fsanitize=thread -DMBX_DATA_PLAIN -Wno-tsan))

# foreign ARCHITECTURE TRIPLET TARGETS: these for another architecture, to be run
# by qemu-user; or why that can't be had here.
define foreign
foreign-$(1):
	$(Q)mkdir -p $(BUILD) && rm -f $(BUILD)/$(1).skip
	$(Q)if ! command -v $(2)-gcc >/dev/null; then \
		echo "$(2)-gcc is missing: make setup" >$(BUILD)/$(1).skip; \
	elif ! why=$$$$(scripts/fetch.sh --deps 'lib*' $(1) $(BUILD)/fetched/$(1) \
			libjansson-dev libcmocka-dev 2>&1); then \
		echo "$$$$why" | tail -n 1 >$(BUILD)/$(1).skip; \
	else \
		$$(MAKE) --no-print-directory CROSS_COMPILE=$(2)- STATIC= \
			BUILD=$(BUILD)/$(2) $(3); \
	fi
endef
FOREIGN := arm64 armhf s390x
$(eval $(call foreign,arm64,aarch64-linux-gnu,linux unit-unit))
$(eval $(call foreign,armhf,arm-linux-gnueabihf,linux unit-unit))
$(eval $(call foreign,s390x,s390x-linux-gnu,linux))

# End-to-end programs, run by tests/e2e_*.sh with firmware beside them
E2E := $(patsubst tests/e2e/%.c,$(BUILD)/e2e/%,$(wildcard tests/e2e/*.c))
$(BUILD)/e2e/%: $(BUILD)/unit/tests/e2e/%.o $(BUILD)/libmbx.a | $(TARGETLIBS)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ -lcmocka -pthread

# Programs for the emulated Linux, tests/linux/*.c
INSIDE := $(patsubst tests/linux/%.c,$(BUILD)/inside/%,$(wildcard tests/linux/*.c))
$(BUILD)/inside/%: $(BUILD)/unit/tests/linux/%.o $(BUILD)/libmbx.a | $(TARGETLIBS)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ -lcmocka -pthread
inside: $(INSIDE) $(BUILD)/e2e/doorbell

# What makes one call of the C library fail, for tests/faults.sh
$(BUILD)/faults.so: tests/faults/faults.c
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LANGUAGE) $(OPT) $(WARN) -shared -fPIC -o $@ $< -ldl

$(BUILD)/faults-user: $(BUILD)/unit/tests/faults/user.o $(BUILD)/libmbx.a
	$(call say,LD,$@)
	$(Q)$(LINK) -rdynamic -o $@ $^ -pthread

# A peer that serves badly, for tests/peers.sh
$(BUILD)/peer: $(BUILD)/unit/tests/cmd/peer.o $(BUILD)/unit/libmbx.a
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ -pthread

testapps: $(TESTAPPS:%=$(BUILD)/host/%) \
	$(foreach b,$(BOARDS),$(TESTAPPS:%=$(BUILD)/$(b)/%.elf))

# Firmware that nothing but its doorbell wakes: the test of the doorbell
$(BUILD)/notick/%.elf: FORCE
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/notick \
		CFLAGS="$(CFLAGS) -DMBX_TICK_HZ=0" $@
FORCE:

setup: ## Install what the build and the tests need (apt, or says what)
	$(Q)scripts/setup.sh build run test

test: ## Run all tests, unit and end to end (installs what is missing)
	$(Q)scripts/setup.sh build run test
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) test-only

test-only: linux firmware-linux $(BOARDS:%=firmware-%) unit-unit unit-asan unit-tsan \
		$(FOREIGN:%=foreign-%) $(E2E) $(BUILD)/faults.so $(BUILD)/faults-user $(BUILD)/peer \
		bench-build \
		$(BUILD)/notick/mps2-an521/echo.elf \
		$(BUILD)/notick/zcu102-r5/echo.elf testapps
test-only: ## Run all tests with what is installed
	$(Q)BUILD=$(abspath $(BUILD)) tests/run

# What is fetched for it stays in BUILD: `make clean` makes it fetch again.
test-linux: ## Test in a real Linux beside an R5, both emulated (downloads a kernel)
	$(Q)scripts/setup.sh build linux
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) firmware-zcu102-r5 \
		$(BUILD)/notick/zcu102-r5/echo.elf
	$(Q)BUILD=$(abspath $(BUILD)) scripts/guest.sh || [ $$? -eq 77 ]
	$(Q)BUILD=$(abspath $(BUILD)) SUITE=tests/linux tests/run

verify: ## Prove or try every promise (ten minutes; ROWS= by name)
	$(Q)scripts/setup.sh build test verify
	$(Q)BUILD=$(abspath $(BUILD)) tests/verify/verify.py $(ROWS)

verify-seeds: ## Break one thing at a time: is it caught, and by what?
	$(Q)scripts/setup.sh build test verify
	$(Q)BUILD=$(abspath $(BUILD)) tests/verify/verify.py --seeds $(ROWS)

verify-long: ## What takes longer (two deaths in a run, larger rings)
	$(Q)scripts/setup.sh build test verify
	$(Q)BUILD=$(abspath $(BUILD)) tests/verify/verify.py --long $(ROWS)

run: ## Boot the firmware and run the main job (FILES="a b" streams those too)
	$(Q)scripts/setup.sh build run
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) $(if $(V),,-s) linux firmware-$(BOARD)
	$(Q)BUILD=$(abspath $(BUILD)) scripts/demo.sh $(BOARD) $(FILES)

# ---- the benchmark: tests/bench/linux/ beside what Debian packages ----

PEERS    := $(BUILD)/bench/linux
PEERSOBJ := main pair kernel mbx
# Each peer is a file, built if its header is there; the report names the rest.
peer_if = $(if $(wildcard $(addsuffix /$(1),/usr/include /usr/local/include)),$(2))
PEERFILES = $(call peer_if,dpdk/rte_ring.h,rte_ring) \
	     $(call peer_if,zmq.h,zeromq) $(PEERCXX)
PEERCXX   = $(if $(shell command -v $(CXX)),$(call peer_if,boost/lockfree/spsc_queue.hpp,boost))
PEERLIBS  = $(if $(filter rte_ring,$(PEERFILES)),-lrte_ring -lrte_eal) \
	     $(if $(filter zeromq,$(PEERFILES)),-lzmq)

$(PEERS)/%.o: tests/bench/linux/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Ilinux -c $< -o $@

# Other people's headers have warnings that are not ours.
$(PEERS)/rte_ring.o: ALL_CFLAGS += $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libdpdk))

$(PEERS)/%.o: tests/bench/linux/%.cpp
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(OPT) -Wall -Wextra -MMD -MP $(CFLAGS) -c $< -o $@

bench-build: $(BUILD)/libmbx.a $(addprefix $(PEERS)/,$(addsuffix .o,$(PEERSOBJ) $(PEERFILES) count))
	$(call say,LD,$(PEERS)/bench)
	$(Q)$(if $(PEERCXX),$(CXX),$(CC)) $(CFLAGS) -o $(PEERS)/bench $(filter-out %/count.o,$(filter %.o,$^)) \
		$(BUILD)/libmbx.a $(PEERLIBS) -lrt -pthread
	$(Q)$(CC) $(CFLAGS) -o $(PEERS)/count $(PEERS)/count.o $(BUILD)/libmbx.a -pthread

bench: ## Measure mbx beside its peers (QUICK=1: only try; KEEP=1: into the README)
	-$(Q)scripts/setup.sh build peers
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) bench-build
	$(Q)BUILD=$(abspath $(BUILD)) tests/bench/linux/run $(if $(QUICK),--quick) $(if $(KEEP),--keep)

# ---- figures that every run repeats: bytes, instructions ----

BENCH := BUILD=$(abspath $(BUILD)) ARMCC=$(ARMCC) CC=$(CC) python3 tests/bench/bench.py

size: ## Bytes of code, data, stack and RAM, by part, core and -Os/-O2
	$(Q)scripts/setup.sh build bench
	$(Q)$(BENCH) size

bench-firmware: ## Instructions and shared accesses of each call, by core; emulated round trips
	$(Q)scripts/setup.sh build run bench
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) linux firmware-linux $(BOARDS:%=firmware-%)
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
		$(DESTDIR)$(PREFIX)/include/mbx $(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/mbx/overlays
	$(Q)install -m 755 $(OUT)/mbx $(DESTDIR)$(PREFIX)/bin/
	$(Q)install -m 644 linux/mbx.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	$(Q)install -m 644 linux/BOARDS.md $(DESTDIR)$(PREFIX)/share/mbx/
	$(Q)install -m 644 linux/overlays/*.dtso $(DESTDIR)$(PREFIX)/share/mbx/overlays/
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
	$(Q)scripts/setup.sh build test check
	$(Q)BUILD=$(abspath $(BUILD)) scripts/check.sh

clean: ## Remove everything built
	$(Q)rm -rf $(BUILD)

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo '  variables: BOARD= ($(BOARDS)), BUILD= (build), FILES=, BASE=, ROWS=,'
	@echo '             V=1, WERROR=1, CROSS_COMPILE=, SYSROOT=, STATIC=1, OPT= (-O2),'
	@echo '             CFLAGS=, PREFIX=, DESTDIR='

.PHONY: all linux firmware firmware-linux setup test test-only test-linux verify \
	verify-seeds verify-long run install size bench bench-build bench-firmware bench-diff \
	budget format check clean help inside testapps unit-unit unit-asan unit-tsan \
	$(BOARDS:%=firmware-%) $(FOREIGN:%=foreign-%) FORCE

-include $(shell find $(BUILD) -name fetched -prune -o -name '*.d' -print 2>/dev/null)
