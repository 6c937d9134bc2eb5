#!/usr/bin/env bash
# Installs minissl's build dependencies. Safe to run repeatedly: if everything is installed, it changes nothing.
#   scripts/setup.sh         packages for building and testing
#   scripts/setup.sh --dev   also packages for development: clang-format, clang-tidy, Google Benchmark, ccache, a browser,
#                            tmux
set -euo pipefail

packages=(
  build-essential cmake ninja-build pkg-config
  libeigen3-dev liblbfgs-dev libfmt-dev nlohmann-json3-dev libcli11-dev
  libtomlplusplus-dev libarchive-dev libcsv-dev
  libjpeg-dev libspng-dev libdeflate-dev libwebp-dev libgif-dev libtiff-dev libopenjp2-7-dev libcharls-dev
  libexif-dev libstb-dev libxxhash-dev zlib1g-dev
  libjs-chart.js fonts-liberation
  libgtest-dev libgmock-dev
)
case "${1:-}" in
  "") ;;
  --dev) packages+=(clang-format-14 clang-tidy-14 ccache chromium libbenchmark-dev tmux) ;;
  *) echo "usage: scripts/setup.sh [--dev]" >&2; exit 2 ;;
esac

if ! command -v apt-get > /dev/null; then
  cat >&2 << EOF
This system has no apt-get. Install the equivalents of these Debian packages, then build as CONTRIBUTING.md says:
  ${packages[*]}
EOF
  exit 1
fi
if [ "${1:-}" = --dev ] && grep -qsx 'ID=ubuntu' /etc/os-release; then
  packages=("${packages[@]/#chromium/chromium-browser}")
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2> /dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo > /dev/null; then
      echo "setup: needs root (there is no sudo) to run: apt-get install ${missing[*]}" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  echo "setup: installing ${missing[*]}" >&2
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
fi

wanted=3.25
version=$(cmake --version | sed -n '1s/[^0-9]*//p')
if ! printf '%s\n' "$wanted" "$version" | sort --version-sort --check=quiet; then
  echo "setup: cmake $version is older than $wanted; get a newer one, for example: pip install cmake" >&2
  exit 1
fi
echo "setup: everything is there" >&2
