#!/bin/sh
# deps.sh GROUP... - installs the Debian packages that a group of make targets needs and that are
# missing. Groups: build, test, bench. Asks nothing and touches no network when all are there. On a
# system without apt-get it names the packages, and fails only if building would.
#
# nginx, h2o and prometheus are in no group: Debian's packages start them as services, now and at each boot.
# What tests weir with them does so where they are installed, and is skipped or left out elsewhere.
set -eu

build='gcc libc6-dev make liburing-dev libssl-dev zlib1g-dev libbrotli-dev libzstd-dev libjansson-dev libyaml-dev libjemalloc-dev'
test='clang libclang-rt-dev clang-format clang-tidy cppcheck gcovr libcmocka-dev libnghttp2-dev
libhttp-parser-dev python3 python3-pytest python3-yaml python3-prometheus-client python3-h2 python3-hpack curl nghttp2-client
nghttp2-server nodejs chromium openssl brotli gzip pkgconf procps iproute2 wrk apache2-utils golang-go valgrind
golang-github-docker-spdystream-dev'
# Faster ciphers than OpenSSL's. There is no such package for other processors.
[ "$(dpkg --print-architecture 2>/dev/null)" != amd64 ] || build="$build libipsec-mb-dev"
bench='g++ libbenchmark-dev libnghttp2-dev nghttp2-client python3 openssl util-linux'

wanted=
for group in "$@"; do
  case $group in
    build) wanted="$wanted $build" ;;
    test) wanted="$wanted $test" ;;
    bench) wanted="$wanted $bench" ;;
    *) echo "deps.sh: no group named $group (build, test, bench)" >&2; exit 2 ;;
  esac
done

other_systems() {
  cat >&2 <<END
deps.sh: there is no apt-get here. Install these by hand, or what your system calls them:
  Debian, Ubuntu: $(echo $wanted)
  Fedora:         gcc make liburing-devel openssl-devel zlib-devel brotli-devel libzstd-devel jansson-devel libyaml-devel jemalloc-devel
  Arch:           gcc make liburing openssl zlib brotli zstd jansson libyaml jemalloc
  faster TLS, not needed: libipsec-mb-dev, intel-ipsec-mb-devel, intel-ipsec-mb
  tests:          clang (with compiler-rt, clang-format, clang-tidy) cppcheck gcovr cmocka http-parser pytest h2 hpack
                  curl nghttp2 nodejs chromium openssl brotli
END
}

# Whether a program with all the libraries compiles and links.
can_build() {
  object=$(mktemp) || return 1
  printf '%s\n' '#include <liburing.h>' '#include <openssl/ssl.h>' '#include <zlib.h>' '#include <brotli/encode.h>' \
    '#include <zstd.h>' '#include <jansson.h>' \
    '#include <yaml.h>' 'int main(void) { return 0; }' |
    "${CC:-cc}" -x c - -o "$object" -luring -lssl -lcrypto -lz -lbrotlienc -lbrotlidec -lzstd -ljansson -lyaml -ljemalloc 2>/dev/null
  status=$?
  rm -f "$object"
  return $status
}

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  can_build && exit 0
  other_systems
  exit 1
fi

missing=
for package in $wanted; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || status=
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "deps.sh: as root, run: apt-get install$missing" >&2
    exit 1
  fi
  sudo=sudo
fi

# Another apt may be running, as on a machine that has just started. Installing has an option to wait for it;
# updating tries again. If updating fails, the present package lists may do.
lock_seconds=600
update() {
  end=$(($(date +%s) + lock_seconds))
  until said=$($sudo env LC_ALL=C apt-get update -q 2>&1); do
    case $said in
      *'Could not get lock'* | *'Unable to lock'*) [ "$(date +%s)" -lt $end ] || break ;;
      *) break ;;
    esac
    sleep 2
  done
  echo "$said"
}

echo "deps.sh: installing$missing"
update
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
  -o DPkg::Lock::Timeout=$lock_seconds $missing
