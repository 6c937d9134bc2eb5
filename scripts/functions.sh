# shellcheck shell=bash
# Sourced by the training scripts, which start in the project's root.

minissl=build/release/apps/minissl

# need_minissl: exits with a message if the binary is not built.
need_minissl() {
  if [ -x "$minissl" ]; then return; fi
  echo "$(basename "$0" .sh): there is no $minissl; build it: cmake --preset release && cmake --build --preset release" >&2
  exit 1
}

# train_or_resume RUN METHOD FLAG ...: trains into the folder RUN, or resumes an interrupted run. A finished run is left
# unchanged.
train_or_resume() {
  local run=$1 method=$2
  shift 2
  local resume=()
  if [ -e "$run/last.safetensors" ]; then resume=(--resume); fi
  printf '\n== %s\n' "$run" >&2
  "$minissl" train "$method" "$@" --out "$run" "${resume[@]}"
}
