# weir - see README.md. `make help` lists the targets.
#
# Every variant builds into its own build/VARIANT. Targets for people (run, test, bench, ...) first install what is
# missing, and then call make again for the rest, so that make looks for a compiler only after its installation.

ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := g++
endif
BUILD ?= build
VARIANT ?= release
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
SECONDS ?= 60
PYTHON ?= /usr/bin/python3
export PYTHON

ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

VERSION := $(shell sed -n 's/^\#define WEIR_VERSION *"\(.*\)"/\1/p' tools/common/version.h)
WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
# Lines are enough for a sanitizer's report, and save a fifth of the compiler's time. For a debugger: make DEBUG=-g.
DEBUG := $(if $(filter asan tsan fuzz,$(VARIANT)),-g1,-g)
CFLAGS_BASE := -std=c17 -D_GNU_SOURCE $(DEBUG) -fno-common $(WARN) -MMD -MP -I.

# The program is optimized as a whole: a request crosses a dozen small modules, and inlining across them saves about
# a sixth of its time. The objects contain ordinary code too, for the library and the tests. gcc only.
comma := ,
LTO := $(if $(findstring clang,$(CC)),,-flto=auto -ffat-lto-objects)
# By default gcc clears structs of a known size with `rep stos`, and copies what has at most a known size with `rep movs`.
# The startup alone takes longer than clearing a stream or copying a path with plain stores, and the bytes cannot be read
# back until it is done.
BY_STORES := vector_loop:512:noalign$(comma)libcall:-1:noalign
CLEAR := $(if $(LTO),$(if $(filter x86_64,$(shell uname -m)),-mmemset-strategy=$(BY_STORES) -mmemcpy-strategy=$(BY_STORES)))
# Modules with more than two cursors have a static invariants(). It runs where this is defined: in every variant
# except release.
CHECKED := -DWEIR_INVARIANTS
# What `make pgo` found out, until `make clean`. Functions that changed since are compiled as usual. gcc only.
PROFILE := $(abspath $(BUILD))/profile
TRAINING :=
PROFILED := $(if $(LTO),$(if $(TRAINING),-fprofile-generate -fprofile-update=prefer-atomic -fprofile-dir=$(PROFILE),$(if \
  $(wildcard $(PROFILE)),-fprofile-use=$(PROFILE) -fprofile-partial-training -Wno-missing-profile -Wno-coverage-mismatch)))
# clang: release flags with the other compiler, so that both stay free of warnings.
# Position-independent for libweir.so; linking the program undoes that where it can.
release.cflags   := -O2 $(LTO) $(PROFILED) $(CLEAR) -fPIC -fno-plt -fno-semantic-interposition
clang.cflags     := -O2 -fPIC -fno-plt $(CHECKED)
# Without the optimizer, or between a sanitizer's checks, gcc knows less about string lengths and gives false
# warnings. Only release has this warning.
UNSURE := -Wno-format-truncation
asan.cflags      := -O1 $(UNSURE) $(CHECKED) -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
tsan.cflags      := -O1 $(UNSURE) $(CHECKED) -fsanitize=thread -fno-omit-frame-pointer
# Atomic: engines of several workers share these counts, and races would make them negative.
coverage.cflags  := -O0 $(UNSURE) $(CHECKED) --coverage -fprofile-update=atomic
fuzz.cflags      := -O1 $(CHECKED) -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all \
                    -fno-omit-frame-pointer
release.lto      := $(if $(LTO),-O2 $(LTO) $(PROFILED) $(CLEAR))
# Every test links most of the program, and this linker takes half as long.
asan.ldflags     := -fsanitize=address,undefined $(if $(shell command -v ld.gold),-fuse-ld=gold)
tsan.ldflags     := -fsanitize=thread
coverage.ldflags := --coverage
fuzz.ldflags     := -fsanitize=address,undefined,fuzzer $(if $(shell command -v ld.lld),-fuse-ld=lld)

ifneq ($(filter clang fuzz,$(VARIANT)),)
override CC := clang
endif

CFLAGS_ALL = $(CFLAGS_BASE) $($(VARIANT).cflags) $(CFLAGS)
LDFLAGS_ALL = $($(VARIANT).ldflags) $(LDFLAGS)
LINK_FAST = $(CC) $(LDFLAGS_ALL) $($(VARIANT).lto)
LINK_QUICKLY = $(CC) $(LDFLAGS_ALL) $(if $($(VARIANT).lto),-fno-lto)
# Release only: jemalloc and the sanitizers both replace malloc. Some compilers link with --as-needed by default, which
# drops a library that only replaces malloc.
MALLOC := $(if $(filter release,$(VARIANT)),-Wl$(comma)--push-state$(comma)--no-as-needed -ljemalloc -Wl$(comma)--pop-state)
# On some processors, faster at TLS's ciphers than OpenSSL: see io/tls/aead_mb.c. Debian has it for amd64 only.
# From make 4.3 on a backslash before # would stay, and then the preprocessor sees no directive.
HASH := \#
IPSEC_MB := $(shell printf '%s\n' '$(HASH)include <intel-ipsec-mb.h>' \
  '$(HASH)if IMB_VERSION_NUM < IMB_VERSION(1, 3, 0) || !defined __x86_64__' '$(HASH)error' '$(HASH)endif' | \
  $(CC) -E -x c - > /dev/null 2>&1 && echo -lIPSec_MB)
CFLAGS_BASE += $(if $(IPSEC_MB),-DWEIR_IPSEC_MB)
LDLIBS := -luring -lssl -lcrypto $(IPSEC_MB) -lz -lbrotlienc -lbrotlidec -lzstd -ljansson -lyaml -lm -lpthread $(MALLOC)

OUT := $(BUILD)/$(VARIANT)
# Optimizing tests takes longer than it saves.
$(OUT)/tests/%.o: private release.cflags = -O1 $(UNSURE)
$(OUT)/tests/%.o: private asan.cflags += -O0
$(OUT)/tests/%.o: private clang.cflags += -O0
ENGINE := $(wildcard engine/*.c engine/*/*.c)
IO := $(wildcard io/*/*.c)
# The library that embedders call, and the modules of tools/ that it needs.
LIB := $(wildcard tools/lib/*.c tools/client/*.c) $(addprefix tools/common/,ciphers.c clear_text.c failure.c process.c version.c)
# Everything in tools/ is part of the program, except the library and the generators, which are run by hand.
TOOLS := $(filter-out tools/generate% tools/lib/%,$(wildcard tools/*.c tools/*/*.c tools/*/*/*.c))
TESTS := $(shell find tests -name 'test_*.c' | sort)
# Those that `make unit` builds and runs.
UNIT := $(TESTS)
FUZZ := $(wildcard tests/fuzz/*.c)
# Programs for the end-to-end tests.
HELPERS := $(wildcard tests/helpers/*.c)
# Modules of the simulation.
SIM := $(filter-out tests/sim/test_%,$(wildcard tests/sim/*.c))
# Modules that tests share: every file in tests/ that is neither a program nor part of the simulation.
SUPPORT := $(filter-out $(TESTS) $(FUZZ) $(HELPERS) $(SIM),$(shell find tests -name '*.c' | sort))
MICRO := $(wildcard bench/micro_*.cc)
SOURCES := $(shell find engine io tools tests bench -name '*.[ch]' -o -name '*.cc' | sort)
OBJ = $(patsubst %.c,$(OUT)/%.o,$(1))

.PHONY: all help deps run pgo test test-epoll test-long bench bench-diff bench-compare bench-growth attack-table fuzz fuzz-build tidy install install-program install-library uninstall deb coverage clean check hooks
.PHONY: unit unit-build sim-canaries helpers bench-build FORCE
.DELETE_ON_ERROR:
# Keep objects of one-file programs; otherwise make would compile them again each time.
.SECONDARY:

all: $(BUILD)/weir $(BUILD)/libweir.a $(BUILD)/libweir.so

help:
	@echo 'make                      build/weir, build/libweir.a and build/libweir.so'
	@echo 'make run                  install what is missing, build, serve the built-in site on'
	@echo '                          http://localhost:8080 and https://localhost:8443;'
	@echo '                          HTTP=ADDR:PORT and HTTPS=ADDR:PORT choose others'
	@echo 'make test                 install what is missing, run every test'
	@echo 'make test-epoll           every test that has an event loop, where io_uring is refused'
	@echo 'make test-long            every test, at length: more seeds and combinations, longer fuzzing'
	@echo 'make unit                 unit tests alone (VARIANT=release|asan|tsan|clang)'
	@echo 'make fuzz SECONDS=60      every fuzz target for that long'
	@echo 'make bench                micro benchmarks, two minutes; also into build/bench/micro-COMMIT.json'
	@echo 'make bench-diff BASE=REV  the same beside those of another commit, in turn'
	@echo 'make bench-compare        weir beside h2o, nghttpd, nginx and haproxy, those that are installed, and'
	@echo '                          beside what the machine allows: ten minutes, with ARGS=--quick two'
	@echo 'make bench-growth         what a request and a connection cost as their number grows, plotted: ten minutes'
	@echo 'make pgo                  build/weir once more, optimized by a profile of itself at work; make clean'
	@echo '                          forgets the profile'
	@echo 'make attack-table         measure what attacks cost, into tests/e2e/attacks/README.md'
	@echo 'make coverage             lines and branches of engine/ and io/ that their unit tests reach, by folder'
	@echo 'make check                before a commit, in under a minute: formatter, linters, layers, circles'
	@echo '                          and the unit tests of what changed'
	@echo 'make hooks                let git run make check before each commit'
	@echo 'make compile_commands.json  for clangd and other tools'
	@echo 'make tidy                 formatter, linters, layers and the other checks of tests/style'
	@echo 'make install PREFIX=DIR   program, manual pages, completions, units, example; libraries, headers,'
	@echo '                          pkg-config and CMake files; make uninstall PREFIX=DIR removes them'
	@echo 'make deb                  a Debian package of the program, in build/deb'
	@echo 'make deps                 install what building, testing and measuring need'
	@echo 'make clean                remove build/'

# ---- targets for people -----------------------------------------------------------------------

deps:
	@tools/deps.sh build test bench

# Only the command line sets these: HTTPS in an environment may mean something else.
HTTP = localhost:8080
HTTPS = localhost:8443
run:
	@tools/deps.sh build
	@$(MAKE) --no-print-directory $(BUILD)/weir
	@echo 'Other ports: make run HTTP=localhost:9080 HTTPS=localhost:9443'
	@exec $(BUILD)/weir serve --http $(HTTP) --https $(HTTPS)

test:
	@tools/deps.sh build test
	@$(PYTHON) tests/run

# In a process that may not use io_uring, as in a container with the default profile.
test-epoll:
	@tools/deps.sh build test
	@$(PYTHON) tests/run --epoll

# ARGS: options of the script, as ARGS='--only build,e2e --match kubectl'.
test-long:
	@tools/deps.sh build test
	@$(PYTHON) tests/run --long $(ARGS)

fuzz:
	@tools/deps.sh build test
	@$(PYTHON) tests/run --only fuzz --fuzz-seconds $(SECONDS)

# ARGS: options of the script, as ARGS='--match hpack'.
bench:
	@tools/deps.sh build bench
	@$(MAKE) --no-print-directory bench-build
	@$(PYTHON) bench/micro $(ARGS)

# BASE: a commit, a branch or a tag. ARGS: as above.
bench-diff:
	@tools/deps.sh build bench
	@$(MAKE) --no-print-directory bench-build
	@$(PYTHON) bench/micro --base $(BASE) $(ARGS)

# ARGS: options of the script, as ARGS=--quick.
bench-compare:
	@tools/deps.sh build bench
	@$(MAKE) --no-print-directory $(BUILD)/weir $(addprefix $(OUT)/bench/,ceiling micro_hpack_stories)
	@$(PYTHON) bench/compare $(ARGS)

bench-growth:
	@tools/deps.sh build bench
	@$(MAKE) --no-print-directory $(BUILD)/weir
	@$(PYTHON) bench/growth $(ARGS)

pgo:
	@tools/deps.sh build bench
	@rm -rf $(PROFILE)
	@$(MAKE) --no-print-directory TRAINING=1 $(BUILD)/weir
	@WEIR=$(BUILD)/weir $(PYTHON) bench/train
	@$(MAKE) --no-print-directory $(BUILD)/weir

attack-table:
	@tools/deps.sh build test
	@$(MAKE) --no-print-directory $(BUILD)/weir helpers
	@WEIR_ATTACK_SECONDS=1 $(PYTHON) tests/e2e/attacks/table.py

# COVER: which tests, as COVER=tests/io/files/%.
COVER = %
coverage:
	@tools/deps.sh build test
	@find $(BUILD)/coverage -name '*.gcda' -delete 2>/dev/null || true
	@$(MAKE) --no-print-directory VARIANT=coverage UNIT='$(filter $(COVER),$(filter-out tests/tools/%,$(TESTS)))' unit; failed=$$?; $(PYTHON) tests/coverage $(BUILD) && exit $$failed

check:
	@tools/deps.sh build test
	@$(PYTHON) tests/check

# Keeps an existing hook.
hooks:
	@hook=$$(git rev-parse --git-path hooks)/pre-commit; mkdir -p $${hook%/*}; \
	if [ -e $$hook ] && ! grep -q 'exec make check' $$hook; then \
	  echo "There is another $$hook already: add 'make check' to it."; exit 1; fi; \
	printf '#!/bin/sh\nunset GIT_DIR GIT_INDEX_FILE\nexec make check\n' > $$hook && chmod +x $$hook && \
	echo "$$hook runs make check before each commit; git commit --no-verify leaves it out."

# Commands for clang, whichever compiler builds weir.
compile_commands.json: FORCE
	@{ comma='['; for file in $(filter-out %.h,$(SOURCES)); do \
	  case $$file in \
	    *.cc) compiler='clang++ -std=c++17 -Wall -Wextra -I.' ;; \
	    *) compiler='clang $(filter-out -MMD -MP -Werror,$(CFLAGS_BASE)) $(clang.cflags)' ;; \
	  esac; \
	  printf '%s\n{"directory": "%s", "file": "%s", "command": "%s -c %s"}' \
	    "$$comma" '$(CURDIR)' $$file "$$compiler" $$file; comma=,; \
	done; printf '\n]\n'; } > $@
	@echo '$@ is written: make it again when a source file is added'

tidy:
	@tools/deps.sh build test
	@$(MAKE) --no-print-directory all
	@tests/layers.sh
	@$(PYTHON) tests/style

# ---- targets that make builds (V=1 shows the commands) ----------------------------------------

QUIET := $(if $(V),,@)
SAY = @$(if $(V),:,printf '  %-5s %s\n' $(1) $@)
ARCHIVE = rm -f $@.new && ar rcs $@.new $^ && mv $@.new $@

$(BUILD)/weir: $(OUT)/weir
	$(QUIET)cp $< $@.new && mv $@.new $@
# Other programs link a single object, optimized as a whole and without LTO's bytecode. It exports only the names in
# $(EXPORTS), so that internal names cannot clash with the program's own.
EXPORTS := tools/lib/exports.map
$(OUT)/weir.o: $(OUT)/libweir.a $(EXPORTS)
	$(call SAY,LD)
	$(QUIET)sed -n 's/^ *\([a-z_0-9]*\);$$/\1/p' $(EXPORTS) > $@.names
	$(QUIET)$(CC) -r -fPIC $($(VARIANT).lto) $(if $(LTO),-flinker-output=nolto-rel) -Wl,--whole-archive $< -o $@.new
	$(QUIET)objcopy --keep-global-symbols=$@.names $@.new && mv $@.new $@
$(BUILD)/libweir.a: $(OUT)/weir.o
	$(call SAY,AR)
	$(QUIET)$(ARCHIVE)
SONAME := libweir.so.$(firstword $(subst ., ,$(VERSION)))
$(BUILD)/libweir.so: $(OUT)/weir.o $(EXPORTS)
	$(call SAY,LINK)
	$(QUIET)$(CC) -shared $(LDFLAGS_ALL) -Wl,-soname,$(SONAME) -Wl,--version-script=$(EXPORTS) -Wl,-z,defs $< \
	  -luring -lssl -lcrypto -lz -lpthread $(IPSEC_MB) -o $@.new && mv $@.new $@

# Changes with the compiler or its flags, and everything depends on it.
$(OUT)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(LINK_FAST) $(CFLAGS_ALL) $(LDLIBS)' > $@.$$$$; \
	if cmp -s $@.$$$$ $@; then rm $@.$$$$; else mv $@.$$$$ $@; fi

$(OUT)/%.o: %.c $(OUT)/flags
	@mkdir -p $(@D)
	$(call SAY,CC)
	$(QUIET)$(CC) $(CFLAGS_ALL) -c $< -o $@

# The page of reports, which this module embeds.
$(OUT)/tools/load/html_parts.o: $(wildcard tools/report/page.*)

$(OUT)/libweir.a: $(call OBJ,$(ENGINE) $(IO) $(LIB))
	$(call SAY,AR)
	$(QUIET)$(ARCHIVE)

# The program without main(), for unit tests.
$(OUT)/libtools.a: $(call OBJ,$(filter-out tools/weir.c,$(TOOLS)))
	$(call SAY,AR)
	$(QUIET)$(ARCHIVE)

$(OUT)/weir: $(call OBJ,$(TOOLS)) $(OUT)/libweir.a
	$(call SAY,LINK)
	$(QUIET)$(LINK_FAST) $^ $(LDLIBS) -o $@

# A program links only the modules that it calls, and needs no libraries for the others.
$(OUT)/libsupport.a: $(call OBJ,$(SUPPORT))
	$(call SAY,AR)
	$(QUIET)$(ARCHIVE)

# One program per tests/.../test_<module>.c, each with its own main().
$(OUT)/tests/%: $(OUT)/tests/%.o $(OUT)/libsupport.a $(OUT)/libtools.a $(OUT)/libweir.a
	$(call SAY,LINK)
	$(QUIET)$(LINK_QUICKLY) $(filter %.o,$^) $(filter %.a,$^) -lcmocka $(LDLIBS) -o $@

$(OUT)/tests/sim/test_sim $(OUT)/tests/sim/test_sim_h1 $(OUT)/tests/sim/test_sim_pipeline $(OUT)/tests/sim/test_sim_spdy: $(call OBJ,$(SIM))

# The simulation of an engine with one added bug, which the simulation must find. The module with the bug is compiled
# anew, and linked before the archive with the correct one.
LINK_CANARY = $(LINK_QUICKLY) $(filter-out -MMD -MP $(LTO),$(CFLAGS_ALL)) -D$(1) \
  $$(grep -rl $(1) --include='*.c' engine) $(filter %.o,$^) $(filter %.a,$^) -lcmocka $(LDLIBS) -o $@
canary = $(addprefix $(OUT)/tests/sim/canary_,$(1))
CANARIES          := $(call canary,LOST_CREDIT LEAKED_STREAM STALE_HPACK LATE_MASK)
H1_CANARIES       := $(call canary,H1_LOST_BYTE)
PIPELINE_CANARIES := $(call canary,PIPELINE_CHUNK_SIZE PIPELINE_LEAKED_STREAM PIPELINE_UNSAFE_AHEAD)
SPDY_CANARIES     := $(call canary,SPDY_LOST_CREDIT SPDY_LEAKED_STREAM)
$(CANARIES): $(call OBJ,tests/sim/test_sim.c)
$(H1_CANARIES): $(call OBJ,tests/sim/test_sim_h1.c)
$(PIPELINE_CANARIES): $(call OBJ,tests/sim/test_sim_pipeline.c)
$(SPDY_CANARIES): $(call OBJ,tests/sim/test_sim_spdy.c)
$(OUT)/tests/sim/canary_%: $(call OBJ,$(SIM)) $(OUT)/libsupport.a $(OUT)/libweir.a
	$(call SAY,CANARY)
	$(QUIET)$(call LINK_CANARY,WEIR_CANARY_$*)
sim-canaries: $(CANARIES) $(H1_CANARIES) $(PIPELINE_CANARIES) $(SPDY_CANARIES)

# The differential tests compare with other implementations.
$(OUT)/tests/spec/test_diff_nghttp2: private LDLIBS += -lnghttp2
$(OUT)/tests/engine/h1/test_diff_http_parser: private LDLIBS += -lhttp_parser

# Programs in Go for the end-to-end tests, built from Debian's packages without a network.
$(BUILD)/peers/%: tests/peers/%/main.go
	@mkdir -p $(@D)
	$(call SAY,GO)
	$(QUIET)GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$(abspath $(BUILD))/peers/cache go build -o $@ ./$(<D)

# VARIANT=fuzz only: main() comes from libFuzzer. What the targets need, and no more.
$(OUT)/libfuzzed.a: $(call OBJ,$(ENGINE) $(wildcard io/base/*.c io/ring/*.c) io/worker/jobs.c tools/client/url.c \
  $(addprefix tools/common/,failure.c process.c) tests/engine/h1/message.c $(addprefix tests/support/,counted.c fake.c fuzz.c spdy_fuzz.c))
	$(call SAY,AR)
	$(QUIET)$(ARCHIVE)
$(OUT)/tests/fuzz/%: $(OUT)/tests/fuzz/%.o $(OUT)/libfuzzed.a
	$(call SAY,LINK)
	$(QUIET)$(LINK_QUICKLY) $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS) -o $@
# Modules that are in no library that fuzz targets link.
$(OUT)/tests/fuzz/tls_records: $(call OBJ,$(addprefix io/tls/,aead.c aead_evp.c aead_mb.c hkdf.c receiver.c secret.c))
$(OUT)/tests/fuzz/load_requests: $(call OBJ,tools/common/option_values.c $(addprefix tools/load/,bodies.c cap.c csv.c \
  form.c form_fill.c input.c mapping.c options.c parse.c parse_har.c parse_json.c parse_lines.c rfc3339.c target.c variables.c))
$(OUT)/tests/fuzz/config: $(call OBJ,$(addprefix tools/common/,arena.c failure.c mistakes.c nearest.c option_values.c \
  output.c process.c yaml_tree.c) $(addprefix tools/serve/,rules/access.c rules/client.c coding/codec_stream.c coding/compress.c config/config.c config/check.c \
  config/document.c config/file.c config/find.c config/make.c config/making.c config/print.c config/table.c config/take.c \
  config/hints.c config/host.c rules/network.c rules/rate.c rules/rules.c config/take_rules.c config/weight.c))

$(OUT)/bench/ceiling $(OUT)/bench/relay: $(OUT)/bench/%: $(OUT)/bench/%.o $(OUT)/libweir.a
	$(call SAY,LINK)
	$(QUIET)$(LINK_FAST) $^ $(LDLIBS) -o $@

$(OUT)/bench/%: bench/%.cc $(OUT)/libweir.a
	@mkdir -p $(@D)
	$(call SAY,CXX)
	$(QUIET)$(CXX) -std=c++17 -O2 -g -Wall -Wextra -I. $(release.lto) $< $(filter %.o,$^) $(filter %.a,$^) \
	  $(MICRO_LIBS) -lbenchmark $(LDLIBS) -o $@
$(OUT)/bench/micro_hpack_stories: MICRO_LIBS = -lnghttp2
# The same again with the scanners of processors without SSE2.
$(OUT)/bench/micro_h1_plain: bench/micro_h1.cc $(OUT)/bench/scan_plain.o
$(OUT)/bench/scan_plain.o: engine/h1/scan.c $(OUT)/flags
	@mkdir -p $(@D)
	$(call SAY,CC)
	$(QUIET)$(CC) $(CFLAGS_ALL) -U__SSE2__ -c $< -o $@

unit-build: $(patsubst %.c,$(OUT)/%,$(UNIT))
# One per core, and all of them whatever fails.
unit: unit-build
	@printf '%s\n' $(patsubst %.c,$(OUT)/%,$(UNIT)) | xargs -P $$(nproc) -I{} sh -c \
	  '{} > {}.log 2>&1; status=$$?; echo "== {}"; cat {}.log; exit $$status'
helpers: $(patsubst %.c,$(OUT)/%,$(HELPERS))
bench-build: $(patsubst %.cc,$(OUT)/%,$(MICRO)) $(OUT)/bench/ceiling $(OUT)/bench/relay
fuzz-build: $(patsubst %.c,$(OUT)/%,$(FUZZ))

# ---- install ----------------------------------------------------------------------------------

# The headers for handlers. weir.h, which starts servers, is installed beside them.
HEADERS := $(addprefix engine/base/,machine.h memory.h text.h) \
           $(addprefix engine/http/,headers.h stream.h handler.h body.h first_scan.h) engine/ws/events.h engine/ws/ws.h \
           tools/lib/weir.h tools/common/version.h
INSTALLED = $(DESTDIR)$(PREFIX)
COMMANDS := serve load report trace forward tunnel
FILL_IN = sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@SONAME@|$(SONAME)|' -e 's|@IPSEC_MB@|$(IPSEC_MB)|'
# What is made from the program's own help is made when it is installed.
SHARE := $(BUILD)/share
UNIT_PATHS = sed -e 's|/usr/bin/|$(PREFIX)/bin/|; s|/etc/weir/|$(SYSCONFDIR)/weir/|'
install: install-program install-library

install-program: $(BUILD)/weir
	rm -rf $(SHARE) && tools/generate/share $(BUILD)/weir $(SHARE)
	install -d $(addprefix $(INSTALLED)/,bin share/man/man1 share/bash-completion/completions share/zsh/site-functions) \
	  $(addprefix $(INSTALLED)/,share/doc/weir/examples lib/systemd/system lib/sysusers.d)
	install -m 755 $(BUILD)/weir $(INSTALLED)/bin/weir
	install -m 644 tools/weir.1 $(SHARE)/man/man1/*.1 $(INSTALLED)/share/man/man1
	install -m 644 $(SHARE)/bash-completion/completions/weir $(INSTALLED)/share/bash-completion/completions
	install -m 644 $(SHARE)/zsh/site-functions/_weir $(INSTALLED)/share/zsh/site-functions
	for unit in weir.service weir.socket; do \
	  $(UNIT_PATHS) tools/deploy/$$unit > $(INSTALLED)/lib/systemd/system/$$unit || exit 1; \
	done
	install -m 644 tools/deploy/weir.sysusers $(INSTALLED)/lib/sysusers.d/weir.conf
	install -m 644 tools/deploy/weir.logrotate $(INSTALLED)/share/doc/weir/examples
	awk -f tools/generate/example.awk tools/serve/config/table.c > $(INSTALLED)/share/doc/weir/examples/weir.yaml

install-library: $(BUILD)/libweir.a $(BUILD)/libweir.so
	install -d $(addprefix $(INSTALLED)/,lib/pkgconfig lib/cmake/weir include/weir)
	install -m 644 $(BUILD)/libweir.a $(INSTALLED)/lib/libweir.a
	install -m 755 $(BUILD)/libweir.so $(INSTALLED)/lib/libweir.so.$(VERSION)
	ln -sf libweir.so.$(VERSION) $(INSTALLED)/lib/$(SONAME)
	ln -sf $(SONAME) $(INSTALLED)/lib/libweir.so
	for header in $(HEADERS); do \
	  sed -E 's|"(engine\|tools)/[a-z]+/|"|' $$header > $(INSTALLED)/include/weir/$$(basename $$header) || exit 1; \
	done
	$(FILL_IN) tools/lib/weir.pc.in > $(INSTALLED)/lib/pkgconfig/weir.pc
	for file in weir-config.cmake weir-config-version.cmake; do \
	  $(FILL_IN) tools/lib/$$file.in > $(INSTALLED)/lib/cmake/weir/$$file || exit 1; \
	done

# Files of the configuration stay.
uninstall:
	rm -f $(addprefix $(INSTALLED)/,bin/weir share/bash-completion/completions/weir share/zsh/site-functions/_weir) \
	  $(addprefix $(INSTALLED)/share/man/man1/,weir.1 $(addprefix weir-,$(addsuffix .1,$(COMMANDS)))) \
	  $(addprefix $(INSTALLED)/lib/,systemd/system/weir.service systemd/system/weir.socket sysusers.d/weir.conf) \
	  $(addprefix $(INSTALLED)/lib/,libweir.a libweir.so $(SONAME) libweir.so.$(VERSION) pkgconfig/weir.pc)
	rm -rf $(addprefix $(INSTALLED)/,share/doc/weir lib/cmake/weir include/weir)

# The program without the library. Prints the package's path.
deb:
	@tools/deps.sh build
	@$(MAKE) --no-print-directory $(BUILD)/weir
	+@tools/deploy/deb $(BUILD) $(VERSION)

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)
