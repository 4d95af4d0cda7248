# For scripts that build something: sourced, from anywhere.
# shellcheck shell=bash

# Bazel keeps its outputs below the home directory; some machines have none.
bazel_startup=()
choose_output_root() {
  [[ ${HOME:-} ]] || HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
  export HOME=${HOME:-/}
  [[ -d $HOME && -w $HOME && $HOME != / ]] && return
  local root=${TMPDIR:-/tmp}/openssl_event-$EUID
  [[ -d $root ]] || mkdir -m 700 "$root" || return
  if [[ ! -O $root ]]; then
    printf '%s belongs to somebody else; set HOME to a directory of yours\n' "$root" >&2
    return 1
  fi
  export HOME=$root
  bazel_startup=(--output_user_root="$root/bazel")
}

run_bazel() {
  (cd "$(dirname "${BASH_SOURCE[0]}")/.." && exec bazel "${bazel_startup[@]}" "$@" </dev/null)
}

# build_and_find TARGET: builds the released form, and prints its file's name.
build_and_find() {
  local bin name=${1#//}
  choose_output_root && run_bazel build --config=opt "$1" >&2 &&
    bin=$(run_bazel info --config=opt bazel-bin 2>/dev/null) && printf '%s/%s\n' "$bin" "${name/://}"
}
