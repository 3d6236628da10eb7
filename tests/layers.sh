#!/bin/sh
# layers.sh [ROOT] - checks which folders use which, in the sources under ROOT (default: this repository)
# and in the objects in ROOT/build/release, which must be up to date.
#
#   1. A folder includes and calls only the folders that the table below allows.
#   2. engine/ does no I/O: it includes only a few freestanding system headers, and the undefined symbols
#      of its objects are on a short list (no system call, clock, malloc or lock).
#   3. io/ knows no HTTP: neither io/ nor engine/base/machine.h has a word of HTTP, even in comments.
#
# layers.sh --self-test breaks each rule in a scratch tree, and fails if that is not reported.
# Prints one line per violation. Exit status: 0 if there are none.
set -eu

# ---- the rules ---------------------------------------------------------------------------------

# FOLDER: the files and folders that it may include, besides itself. A folder includes its subfolders.
table='
engine/base:
engine/http:   engine/base
engine/hpack:  engine/base engine/http
engine/sched:  engine/base engine/http
engine/h2:     engine/base engine/http engine/hpack engine/sched
engine/h1:     engine/base engine/http
engine/ws:     engine/base engine/http
engine/spdy:   engine/base engine/http engine/sched
engine/site:   engine/base engine/http
engine/proxy:  engine/base engine/http
engine:        engine
io/base:       engine/base/machine.h
io/ring:       engine/base/machine.h io/base
io/link:       engine/base/machine.h io/base io/ring
io/files:      engine/base/machine.h io/base io/ring
io/tls:        engine/base/machine.h io/base
io/worker:     engine/base/machine.h io
tools/common:  engine io
tools/client:  engine io tools/common
tools/serve/coding:  engine io tools/common tools/serve/limits.h
tools/serve/demo:    engine io tools/common tools/serve/limits.h
tools/serve/log:     engine io tools/common tools/serve/limits.h
tools/serve/rules:   engine io tools/common tools/serve/limits.h
tools/serve/service: engine io tools/common tools/serve/limits.h
tools/serve/config:  engine io tools/common tools/serve/limits.h tools/serve/coding tools/serve/log tools/serve/rules
tools/serve/tls:     engine io tools/common tools/serve/limits.h tools/serve/config
tools/serve/metrics: engine io tools/common tools/serve/limits.h tools/serve/coding tools/serve/log tools/serve/rules
tools/serve:   engine io tools/common tools/client tools/serve
tools/load:    engine io tools/common tools/client
tools/report:  engine io tools/common tools/load
tools/trace:   engine io tools/common tools/client
tools/pipe:    engine
tools/forward: engine io tools/common tools/client tools/pipe
tools/tunnel:  engine io tools/common tools/client tools/pipe
tools/lib:     engine io tools/common tools/client
tools:         engine io tools
'

engine_system_headers='assert.h inttypes.h limits.h stdalign.h stdbool.h stddef.h stdint.h string.h'
# Compilers turn plain C into calls of these, with or without string.h.
engine_symbols='memcpy memmove memset memcmp memchr memrchr strlen strcmp strncmp strchr
__memcpy_chk __memset_chk __memmove_chk __assert_fail __stack_chk_fail _GLOBAL_OFFSET_TABLE_'
# Libraries that work on memory alone: MODULE HEADER: its symbols. zlib gets its memory from the engine.
zlib_symbols='inflate inflateInit_ inflateInit2_ inflateEnd inflateReset inflateSetDictionary
deflate deflateInit_ deflateInit2_ deflateEnd deflateReset deflateSetDictionary deflateBound
deflateParams deflateTune adler32'
libraries="
engine/spdy/zlib zlib.h: $(echo $zlib_symbols)
engine/ws/deflate zlib.h: $(echo $zlib_symbols)
"

http_words='https?|hpack|h2c?|h2_[a-z_]*|goaway|rst_stream|html|uri|websocket|spdy|user-agent|content-[a-z]+'

# ---- what the tree holds -----------------------------------------------------------------------

sources() { # sources FOLDER... : their .c and .h files
  for folder in "$@"; do
    [ ! -d "$folder" ] || find "$folder" -name '*.[ch]'
  done | sort
}

objects() { # only those of existing sources: objects of deleted sources stay in build/
  for source in $(sources engine io tools); do
    object=build/release/${source%.c}.o
    [ "${source%.c}" = "$source" ] || [ ! -e "$object" ] || echo "$object"
  done
}

# Lines "FILE HEADER", with the quotes or angle brackets of the header.
includes() {
  [ $# -eq 0 ] || awk '
    match($0, /^[ \t]*#[ \t]*include[ \t]*/) {
      split(substr($0, RLENGTH + 1), part, /[ \t]/); print FILENAME, part[1] }' "$@"
}

# Lines "MODULE SYMBOL DEFINER": the undefined symbols of each object, and the module that defines them;
# "-" if none of ours does. A module is a source without its suffix.
uses() {
  [ $# -eq 0 ] || nm -A -P "$@" | awk '
    { sub(/^build\/release\//, "", $1); sub(/\.o:$/, "", $1)
      if ($3 ~ /^[Uwv]$/) { user[++count] = $1; used[count] = $2 }
      else if ($3 ~ /[A-Z]/) definer[$2] = $1 }
    END { for (i = 1; i <= count; i++)
            print user[i], used[i], (used[i] in definer) ? definer[used[i]] : "-" }'
}

# ---- the checks --------------------------------------------------------------------------------

check_table() { # stdin: lines "FILE TARGET HOW"
  awk -v table="$table" '
    function folder_of(file) { sub(/\/[^\/]*$/, "", file); return file }
    function allows(words, target,   word, n, i) {
      n = split(words, word, " ")
      for (i = 1; i <= n; i++)
        if (target == word[i] || index(target, word[i] "/") == 1) return 1
      return 0
    }
    BEGIN {
      for (n = split(table, line, "\n"); n > 0; n--)
        if (split(line[n], part, ":") == 2) may[part[1]] = part[2]
    }
    {
      from = folder_of($1); to = folder_of($2)
      if (to !~ /^(engine|io|tools)(\/|$)/) print $1, $3, $2 ", which is not written from the root"
      else if (!(from in may)) print $1 " lies in a folder that is not in the table"
      else if (from != to && !allows(may[from], $2)) print $1, $3, $2 ", which " from " may not"
    }'
}

check_folders() {
  {
    includes $(sources engine io tools) | awk '$2 ~ /^"/ { gsub(/"/, "", $2); print $1, $2, "includes" }'
    uses $(objects) | awk '$3 != "-" { print $1, $3 ":" $2, "calls" }'
  } | check_table
}

check_built() {
  for source in $(sources engine io); do
    object=build/release/${source%.c}.o
    [ "${source%.c}" = "$source" ] || [ -e "$object" ] || echo "$object is missing: build first"
  done
}

check_engine_headers() {
  includes $(sources engine) | awk -v allowed="$engine_system_headers" -v libraries="$libraries" '
    BEGIN { for (n = split(allowed, name); n > 0; n--) may["<" name[n] ">"] = 1
            for (n = split(libraries, line, "\n"); n > 0; n--)
              if (split(line[n], part, /[ :]+/) > 1) its[part[1], "<" part[2] ">"] = 1 }
    { module = $1; sub(/\.[ch]$/, "", module) }
    $2 ~ /^</ && !($2 in may) && !((module, $2) in its) {
      print $1 " includes " $2 ", which engine/ may not" }'
}

check_engine_symbols() {
  uses $(objects) | awk -v allowed="$engine_symbols" -v libraries="$libraries" '
    BEGIN { for (n = split(allowed, name); n > 0; n--) may[name[n]] = 1
            for (n = split(libraries, line, "\n"); n > 0; n--)
              for (i = split(line[n], part, /[ :]+/); i > 2; i--) its[part[1], part[i]] = 1 }
    $1 ~ /^engine\// && $3 == "-" && !($2 in may) && !(($1, $2) in its) {
      print $1 " uses " $2 ", which engine/ may not" }'
}

check_words() {
  grep -noiwE -m 1 "$http_words" $(sources io) engine/base/machine.h |
    awk -F : '!($1 in seen) { seen[$1] = 1; print $1 " speaks of HTTP (line " $2 ": " $3 ")" }'
}

check_tree() {
  check_built
  check_folders
  check_engine_headers
  check_engine_symbols
  check_words
}

# ---- the rules, tested -------------------------------------------------------------------------

put() { # put FILE LINE... : a file in the scratch tree
  mkdir -p "$(dirname "$scratch/$1")"
  file=$1
  shift
  printf '%s\n' "$@" > "$scratch/$file"
}

compile() { # compile FILE.c
  mkdir -p "$(dirname "$scratch/build/release/$1")"
  (cd "$scratch" && "${CC:-cc}" -std=c17 -D_GNU_SOURCE -I. -c "$1" -o "build/release/${1%.c}.o")
}

# A small tree without violations.
lawful_tree() {
  put engine/base/machine.h '#include <stdint.h>'
  for header in engine/engine engine/http/stream engine/hpack/table engine/sched/sched engine/h1/h1 \
    engine/h2/frame engine/spdy/spdy engine/ws/ws engine/site/site engine/proxy/proxy io/base/list \
    io/ring/ring io/link/link io/files/files io/tls/tls io/worker/worker tools/common/output \
    tools/client/url tools/serve/serve tools/load/load tools/trace/trace tools/lib/weir; do
    put $header.h '#include "engine/base/machine.h"'
  done
  put engine/base/pool.c '#include <string.h>' 'int pool(const char *s);' \
    'int pool(const char *s) { return (int)strlen(s); }'
  put engine/h2/frame.c '#include "engine/h2/frame.h"' 'int pool(const char *s);' 'int frame(void);' \
    'int frame(void) { return pool(""); }'
  put engine/spdy/zlib.c '#include <zlib.h>' 'int spdy_zlib(void *s);' \
    'int spdy_zlib(void *s) { return inflateEnd(s); }'
  put io/link/link.c '#include "io/ring/ring.h"' '#include <unistd.h>' 'int link_id(void);' \
    'int link_id(void) { return getpid(); }'
  put tools/weir.c '#include "tools/serve/serve.h"' 'int frame(void);' 'int main(void) { return frame(); }'
  for source in engine/base/pool.c engine/h2/frame.c engine/spdy/zlib.c io/link/link.c tools/weir.c; do
    compile $source
  done
}

# refuses PATTERN FILE LINE: after adding LINE to FILE, which may be new, the report must match PATTERN.
refuses() {
  [ ! -e "$scratch/$2" ] || cp "$scratch/$2" "$scratch/kept"
  mkdir -p "$(dirname "$scratch/$2")"
  printf '%s\n' "$3" >> "$scratch/$2"
  case $2 in *.c) compile "$2" ;; esac
  report=$(cd "$scratch" && check_tree)
  echo "$report" | grep -q "$1" || echo "self-test: \"$3\" in $2 goes unnoticed: $report"
  rm -f "$scratch/$2" "$scratch/build/release/${2%.c}.o"
  [ ! -e "$scratch/kept" ] || mv "$scratch/kept" "$scratch/$2"
  case $2 in *.c) [ ! -e "$scratch/$2" ] || compile "$2" ;; esac
}

# refuses_include FOLDER HEADER
refuses_include() { refuses "new.h includes $2, which $1 may not" "$1/new.h" "#include \"$2\""; }

self_test() {
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  lawful_tree
  report=$(cd "$scratch" && check_tree)
  [ -z "$report" ] || echo "self-test: a lawful tree is refused: $report"

  # One case per row of the table, and more for engine/h2.
  refuses_include engine/base engine/http/stream.h
  refuses_include engine/http engine/hpack/table.h
  refuses_include engine/hpack engine/sched/sched.h
  refuses_include engine/sched engine/h2/frame.h
  refuses_include engine/h2 engine/h1/h1.h
  refuses_include engine/h2 engine/spdy/spdy.h
  refuses_include engine/h2 engine/engine.h
  refuses_include engine/h2 io/base/list.h
  refuses_include engine/h1 engine/h2/frame.h
  refuses_include engine/ws engine/h1/h1.h
  refuses_include engine/spdy engine/hpack/table.h
  refuses_include engine/site engine/hpack/table.h
  refuses_include engine/proxy engine/site/site.h
  refuses_include engine io/link/link.h
  refuses_include io/base engine/http/stream.h
  refuses_include io/ring io/link/link.h
  refuses_include io/link io/worker/worker.h
  refuses_include io/files io/link/link.h
  refuses_include io/tls io/ring/ring.h
  refuses_include io/worker engine/h2/frame.h
  refuses_include tools/common tools/client/url.h
  refuses_include tools/client tools/load/load.h
  refuses_include tools/serve tools/load/load.h
  refuses_include tools/load tools/trace/trace.h
  refuses_include tools/trace tools/lib/weir.h
  refuses_include tools/pipe io/link/link.h
  refuses_include tools/forward tools/serve/serve.h
  refuses_include tools/tunnel tools/forward/forward.h
  refuses_include tools/lib tools/serve/serve.h
  refuses 'not written from the root' engine/h2/frame.h '#include "window.h"'
  refuses 'not in the table' engine/h3/h3.h '#include "engine/base/machine.h"'
  refuses 'calls engine/h2/frame:frame, which io/link may not' io/link/link.c \
    'int frame(void); int peek(void); int peek(void) { return frame(); }'

  refuses 'includes <stdio.h>' engine/base/pool.c '#include <stdio.h>'
  refuses 'includes <zlib.h>' engine/base/pool.c '#include <zlib.h>'
  refuses 'uses malloc' engine/base/pool.c \
    'void *malloc(unsigned long); void *take(void); void *take(void) { return malloc(1); }'
  refuses 'uses clock_gettime' engine/base/pool.c \
    'int clock_gettime(int, void *); int now(void); int now(void) { return clock_gettime(0, 0); }'
  refuses 'uses inflateEnd' engine/base/pool.c \
    'int inflateEnd(void *); int end(void); int end(void) { return inflateEnd(0); }'
  refuses 'includes <openssl/evp.h>' engine/ws/handshake.h '#include <openssl/evp.h>'
  refuses 'speaks of HTTP' io/link/link.c '// an HTTP request'
  refuses 'speaks of HTTP' io/link/link.h 'static const char *alpn(void) { return "h2"; }'
  refuses 'speaks of HTTP' engine/base/machine.h '// GOAWAY'

  rm "$scratch/build/release/io/link/link.o"
  report=$(cd "$scratch" && check_tree)
  echo "$report" | grep -q 'is missing' || echo "self-test: a missing object goes unnoticed: $report"
}

if [ "${1-}" = --self-test ]; then
  report=$(self_test)
else
  cd "${1:-$(dirname "$0")/..}"
  report=$(check_tree)
fi
[ -z "$report" ] || echo "$report" | sed 's/^/layers: /'
[ -z "$report" ]
