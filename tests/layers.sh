#!/bin/sh
# layers.sh [ROOT] - checks that the rooms keep apart, in the sources under ROOT (default: this
# repository) and in the objects of ROOT/build/release.
#
#   1. engine/ does no I/O: it includes engine headers and a few freestanding ones, and what its
#      objects leave undefined is on a short list (no system call, no clock, no malloc, no lock).
#   2. io/ knows no HTTP: of engine/ it includes base/machine.h alone, it uses no symbol of engine/, and
#      neither it nor machine.h says a word of HTTP.
#   3. No file of engine/h2 reaches one of h1 or spdy, however indirectly.
#
# layers.sh --self-test breaks each rule in a tree of its own and fails where that goes unnoticed.
# Prints one line a broken rule; exit 0 when none is.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
failures=0
broken() {
  echo "layers: $*"
  failures=$((failures + 1))
}

# ---- the rules' lists --------------------------------------------------------------------------

engine_system_headers='assert.h inttypes.h limits.h stdalign.h stdbool.h stddef.h stdint.h string.h'
# Compilers make calls of these out of plain C, with or without string.h.
engine_symbols='memcpy memmove memset memcmp memchr memrchr strlen strcmp strncmp strchr
__memcpy_chk __memset_chk __memmove_chk __assert_fail __stack_chk_fail _GLOBAL_OFFSET_TABLE_'
# Compression of SPDY header blocks is zlib's, with the engine's own allocator handed in.
zlib_room=zlib
zlib_symbols='inflate inflateInit_ inflateInit2_ inflateEnd inflateReset inflateSetDictionary
deflate deflateInit_ deflateInit2_ deflateEnd deflateReset deflateSetDictionary deflateBound
deflateParams deflateTune adler32'
http_words='https?|hpack|h2c?|h2_[a-z_]*|goaway|rst_stream|html|uri|websocket|spdy|user-agent|content-[a-z]+'

contains() { # contains WORD LIST...
  word=$1
  shift
  for candidate in "$@"; do [ "$candidate" = "$word" ] && return 0; done
  return 1
}

# Lines "FILE HEADER": what each file includes, quotes kept and angle brackets kept.
includes_of() {
  [ $# -gt 0 ] || return 0
  awk 'match($0, /^[ \t]*#[ \t]*include[ \t]*/) {
         rest = substr($0, RLENGTH + 1); split(rest, part, /[ \t]/); print FILENAME, part[1] }' "$@"
}

# Existing files among the arguments (a glob without a match stays literal).
existing() { for f in "$@"; do if [ -e "$f" ]; then printf '%s\n' "$f"; fi; done; }

# Comments count too: io/ is no place to explain HTTP either.
check_words() { # check_words FILE...
  for file in "$@"; do
    hit=$(grep -noiwE "$http_words" "$file" | head -n 1 || true)
    [ -z "$hit" ] || broken "$file speaks of HTTP (line ${hit%%:*}: ${hit#*:})"
  done
}

check_engine_includes() {
  includes_of $(existing engine/*.[ch] engine/*/*.[ch]) | while read -r file header; do
    case $header in
      \"*)
        name=$(echo "$header" | tr -d '"')
        case $name in
          engine/*) [ -e "$name" ] || echo "$file includes $header, which does not exist" ;;
          *) echo "$file includes $header, which is not of engine/" ;;
        esac ;;
      \<*)
        name=$(echo "$header" | tr -d '<>')
        if [ "$name" = zlib.h ]; then
          case $file in engine/spdy/$zlib_room.[ch]) continue ;; esac
        fi
        contains "$name" $engine_system_headers ||
          echo "$file includes $header, which engine/ may not" ;;
    esac
  done
}

check_io_includes() {
  includes_of $(existing io/*/*.[ch]) | while read -r file header; do
    case $header in
      \"engine/base/machine.h\") ;;
      \"io/*) ;;
      \"*)
        echo "$file includes $header, which is not of io/" ;;
    esac
  done
}

# Symbols: `nm` prints "OBJECT: NAME TYPE ..." with -A -P.
symbols() { # symbols U|D OBJECT... : "OBJECT NAME" of undefined, or names of defined ones
  kind=$1
  shift
  [ $# -gt 0 ] || return 0
  nm -A -P "$@" | awk -v kind="$kind" '
    { sub(/:$/, "", $1); undefined = ($3 == "U" || $3 == "w" || $3 == "v")
      if (kind == "U" && undefined) print $1, $2
      if (kind == "D" && !undefined && $3 ~ /[A-Z]/) print $2 }'
}

check_engine_symbols() {
  objects=$(existing build/release/engine/*.o build/release/engine/*/*.o)
  for source in $(existing engine/*.c engine/*/*.c); do
    object=build/release/${source%.c}.o
    [ -e "$object" ] || echo "$object is missing: build first"
  done
  own=$(symbols D $objects)
  symbols U $objects | while read -r object name; do
    case $object in
      */spdy/$zlib_room.o) contains "$name" $zlib_symbols && continue ;;
    esac
    contains "$name" $engine_symbols && continue
    contains "$name" $own || echo "$object uses $name, which engine/ may not"
  done
}

check_io_symbols() {
  engine=$(symbols D $(existing build/release/engine/*.o build/release/engine/*/*.o))
  symbols U $(existing build/release/io/*/*.o) | while read -r object name; do
    if contains "$name" $engine; then echo "$object uses $name of engine/"; fi
  done
}

check_protocols_apart() {
  for source in $(existing engine/h2/*.[ch]); do
    reached=$("${CC:-cc}" -std=c17 -D_GNU_SOURCE -I. -MM "$source" 2>/dev/null |
      tr ' \\' '\n\n' | grep -E '(^|/)(h1|spdy)/[^/]*\.h$' | head -n 1 || true)
    [ -z "$reached" ] || echo "$source reaches $reached"
  done
}

check_tree() {
  report=$(
    check_engine_includes
    check_io_includes
    check_engine_symbols
    check_io_symbols
    check_protocols_apart
  )
  if [ -n "$report" ]; then
    while read -r line; do broken "$line"; done <<END
$report
END
  fi
  check_words $(existing io/*/*.[ch] engine/base/machine.h)
}

# ---- the rules, tested -------------------------------------------------------------------------

# A small tree that keeps every rule.
lawful_tree() {
  mkdir -p "$1/engine/base" "$1/engine/h1" "$1/engine/h2" "$1/io/link"
  echo '#include <stdint.h>' > "$1/engine/base/machine.h"
  echo 'struct h1;' > "$1/engine/h1/h1.h"
  printf '%s\n' '#include "engine/base/machine.h"' '#include <string.h>' 'int room(const char *s);' \
    'int room(const char *s) { return (int)strlen(s); }' > "$1/engine/base/room.c"
  echo '#include "engine/base/machine.h"' > "$1/engine/h2/frame.h"
  printf '%s\n' '#include "engine/h2/frame.h"' 'int decode(void);' 'int decode(void) { return 1; }' \
    > "$1/engine/h2/frame.c"
  printf '%s\n' '#include "engine/base/machine.h"' '#include <unistd.h>' 'int link_id(void);' \
    'int link_id(void) { return getpid(); }' > "$1/io/link/link.c"
}

build_tree() {
  for source in "$1"/engine/*/*.c "$1"/io/*/*.c; do
    object=$1/build/release/${source#"$1"/}
    mkdir -p "$(dirname "$object")"
    (cd "$1" && "${CC:-cc}" -std=c17 -D_GNU_SOURCE -I. -c "$source" -o "${object%.c}.o")
  done
}

# expect NAME PATTERN FILE LINE: with LINE added to FILE, the report must match PATTERN.
expect() {
  tree=$scratch/$1
  lawful_tree "$tree"
  [ "$3" = none ] || printf '%s\n' "$4" >> "$tree/$3"
  build_tree "$tree"
  report=$("$here/layers.sh" "$tree" 2>&1) && status=0 || status=$?
  if [ "$3" = none ]; then
    [ $status -eq 0 ] || broken "self-test $1: a lawful tree was refused: $report"
  elif [ $status -eq 0 ] || ! echo "$report" | grep -q "$2"; then
    broken "self-test $1: unnoticed (exit $status): $report"
  fi
}

self_test() {
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  expect lawful '' none ''
  expect engine-header 'includes <stdio.h>' engine/base/room.c '#include <stdio.h>'
  expect engine-io-header 'not of engine' engine/base/room.c '#include "../../io/link/link.c"'
  expect engine-malloc 'uses malloc' engine/base/room.c \
    'void *malloc(unsigned long); void *take(void); void *take(void) { return malloc(1); }'
  expect engine-clock 'uses clock_gettime' engine/base/room.c \
    'int clock_gettime(int, void *); int now(void); int now(void) { return clock_gettime(0, 0); }'
  expect engine-zlib 'includes <zlib.h>' engine/base/room.c '#include <zlib.h>'
  expect io-header 'not of io' io/link/link.c '#include "engine/h2/frame.h"'
  expect io-symbol 'uses decode of engine' io/link/link.c \
    'int decode(void); int peek(void); int peek(void) { return decode(); }'
  expect io-word 'speaks of HTTP' io/link/link.c '// an HTTP request'
  expect io-alpn 'speaks of HTTP' io/link/link.c 'static const char *p(void) { return "h2"; } int q(void); int q(void) { return *p(); }'
  expect seam-word 'speaks of HTTP' engine/base/machine.h '// GOAWAY'
  expect h2-h1 'reaches engine/h1/h1.h' engine/h2/frame.h '#include "engine/h1/h1.h"'
}

if [ "${1-}" = --self-test ]; then
  self_test
else
  cd "${1:-$here/..}"
  check_tree
fi
[ $failures -eq 0 ]
