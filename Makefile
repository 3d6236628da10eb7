# weir - see README.md. The targets that people use are listed by `make help`.

CC ?= gcc
CXX ?= g++
BUILD ?= build
VARIANT ?= release

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
BASE := -std=c17 -D_GNU_SOURCE -g -fno-common $(WARN) -MMD -MP -I.
release.cflags  := -O2 -fno-plt -fno-semantic-interposition
asan.cflags     := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
tsan.cflags     := -O1 -fsanitize=thread -fno-omit-frame-pointer
coverage.cflags := -O0 --coverage
release.ldflags :=
asan.ldflags    := -fsanitize=address,undefined
tsan.ldflags    := -fsanitize=thread
coverage.ldflags := --coverage

CFLAGS_ALL := $(BASE) $($(VARIANT).cflags) $(CFLAGS)
LDFLAGS_ALL := $($(VARIANT).ldflags) $(LDFLAGS)
# jemalloc and the sanitizers both want to be malloc.
MALLOC := $(if $(filter release,$(VARIANT)),-ljemalloc)
LDLIBS := -luring -lssl -lcrypto -lz -lpthread $(MALLOC)

OUT := $(BUILD)/$(VARIANT)
ENGINE := $(wildcard engine/*.c)
IO := $(wildcard io/*.c)
TOOLS := $(wildcard tools/*.c tools/*/*.c)
TESTS := $(wildcard tests/test_*.c)
OBJ = $(patsubst %.c,$(OUT)/%.o,$(1))

.PHONY: all help
all: $(BUILD)/weir $(BUILD)/libweir.a

$(BUILD)/weir: $(OUT)/weir
	cp $< $@
$(BUILD)/libweir.a: $(OUT)/libweir.a
	cp $< $@

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -c $< -o $@

$(OUT)/libweir.a: $(call OBJ,$(ENGINE) $(IO))
	rm -f $@ && ar rcs $@ $^

$(OUT)/weir: $(call OBJ,$(TOOLS)) $(OUT)/libweir.a
	$(CC) $(LDFLAGS_ALL) $^ $(LDLIBS) -o $@

# One program a tests/test_<room>.c, each with its own main().
$(OUT)/tests/test_%: $(OUT)/tests/test_%.o $(OUT)/libweir.a
	$(CC) $(LDFLAGS_ALL) $^ -lcmocka -ljansson $(LDLIBS) -o $@

.PHONY: unit
unit: $(patsubst tests/%.c,$(OUT)/tests/%,$(TESTS))
	@set -e; for t in $^; do echo "== $$t"; $$t; done

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
