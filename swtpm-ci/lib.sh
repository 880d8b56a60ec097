# shellcheck shell=bash
# What demo and test share: messages, Debian packages, the Rust toolchain.
# It knows nothing about tokens or TPMs.

# --- messages ---------------------------------------------------------------

say()  { printf '    %s\n' "$*"; }
ok()   { printf '  + %s\n' "$*"; }
step() { printf '\n==> %s\n' "$*"; }
warn() { printf '  ! %s\n' "$*" >&2; }
die()  { printf '\n%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# usage_error MESSAGE: exit code 2, as the sealhsm command has it.
usage_error() { printf '%s: %s (try --help)\n' "${0##*/}" "$*" >&2; exit 2; }

# The comment block at the head of the calling script is its help.
print_help() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; }

# show COMMAND...: prints a command as one could type it, then runs it.
show() {
    local word line=''
    for word in "$@"; do
        case $word in
            *[!A-Za-z0-9_./:=@%+,-]*) line+=" '$word'" ;;
            *) line+=" $word" ;;
        esac
    done
    printf '    $%s\n' "$line"
    "$@"
}

# --- Debian packages --------------------------------------------------------

# What a build needs.
BUILD_PACKAGES=(build-essential pkg-config perl libtss2-dev)
# What the demo needs besides. binutils is for strings.
# shellcheck disable=SC2034  # used by demo
DEMO_PACKAGES=(swtpm opensc openssl binutils)
# What the tests need besides: the clients that they drive, and what watches them.
# shellcheck disable=SC2034  # used by test
TEST_PACKAGES=(swtpm-tools tpm2-tools gnutls-bin softhsm2 openssh-client openssh-server strace p11-kit
    shellcheck libnss3-tools libjemalloc2 default-jdk-headless python3-venv)

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# as_root COMMAND...: with the caller's consent unless root or CI.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif [ -n "${CI:-}" ]; then
        sudo -n "$@"
    else
        sudo "$@"
    fi
}

consent() {
    [ "$(id -u)" = 0 ] || [ -n "${CI:-}" ] && return
    command -v sudo >/dev/null || die "sudo is missing; as root: apt-get install $*"
    [ -t 0 ] || die "cannot ask without a terminal; as root: apt-get install $*"
    local answer
    read -r -p "    install with sudo apt-get? [y/N] " answer
    case $answer in
        y | Y | yes) ;;
        *) die "not installed; by hand: sudo apt-get install $*" ;;
    esac
}

# install_missing PACKAGE...: says what it does; calls apt only if something is missing.
install_missing() {
    local package missing=()
    command -v dpkg-query >/dev/null || die "this is for Debian; elsewhere install what answers to: $*"
    for package in "$@"; do
        installed "$package" || missing+=("$package")
    done
    if [ ${#missing[@]} = 0 ]; then
        ok "installed already: $*"
        return
    fi
    say "missing: ${missing[*]}"
    consent "${missing[@]}"
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
    ok "installed: ${missing[*]}"
}

# openssl_bridge: the package through which the openssl command reaches a PKCS#11 module: libp11's engine,
# or pkcs11-provider where a release has the engine no more. Call it after install_missing, which knows the lists.
openssl_bridge() {
    local package
    for package in libengine-pkcs11-openssl pkcs11-provider; do
        if installed "$package"; then
            echo "$package"
            return
        fi
    done
    for package in libengine-pkcs11-openssl pkcs11-provider; do
        if apt-cache show "$package" >/dev/null 2>&1; then
            echo "$package"
            return
        fi
    done
    die "apt knows neither libengine-pkcs11-openssl nor pkcs11-provider: apt-get update, or another release"
}

# --- Rust -------------------------------------------------------------------

# need_cargo: a toolchain that is new enough, or how to get one (exit code 2).
need_cargo() {
    command -v cargo >/dev/null || PATH="$PATH:${CARGO_HOME:-${HOME:-/root}/.cargo}/bin"
    local want have
    want=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    if ! command -v cargo >/dev/null; then
        printf '%s\n' "No Rust toolchain: cargo $want or newer is needed. Debian 13: apt-get install cargo." \
            "Debian 12, whose cargo is too old: rustup, as https://rustup.rs says." >&2
        exit 2
    fi
    have=$(cargo --version | cut -d' ' -f2)
    if ! printf '%s\n' "$want" "$have" | sort -V -C; then
        printf '%s\n' "cargo $have is too old: $want or newer is needed; rustup brings it (https://rustup.rs)." >&2
        exit 2
    fi
    ok "cargo $have"
}

# need_cargo_tools: rustfmt and clippy of the toolchain in use.
need_cargo_tools() {
    if cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1; then
        ok "$(cargo clippy --version), $(cargo fmt --version)"
    elif command -v rustup >/dev/null; then
        show rustup component add rustfmt clippy
    elif [ "$(command -v cargo)" = /usr/bin/cargo ]; then
        install_missing rustfmt rust-clippy
    else
        printf '%s\n' "This toolchain has no rustfmt or no clippy, and no rustup to add them." >&2
        exit 2
    fi
}
