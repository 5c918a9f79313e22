#!/usr/bin/env bash
# The one entry: ./build.sh [build|demo|test|bindings|coverage|api|check|bench|pack|native|publish]. Needs the .NET 10 SDK; `bindings` also needs clang.
set -euo pipefail
cd "$(dirname "$0")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1

verb="${1:-build}"
[ $# -gt 0 ] && shift

command -v dotnet >/dev/null || { echo "build.sh: dotnet is not on PATH: install the .NET 10 SDK." >&2; exit 1; }

build() {
  dotnet build ElmMlx.sln -c Release -v q "$@"
  mkdir -p artifacts/bin
  # a command is a one-line script beside the other build outputs
  for tool in "elm:Elm:elm" "mlx-convert:Convert:mlx-convert"; do
    IFS=: read -r command project assembly <<<"$tool"
    printf '#!/usr/bin/env bash\nexec dotnet "$(dirname "$0")/%s/release/%s.dll" "$@"\n' "$project" "$assembly" >"artifacts/bin/$command"
    chmod +x "artifacts/bin/$command"
  done
}

# the demo's question, and how many of 120 others are answered word for word
ask() { artifacts/bin/elm generate --model artifacts/demo-model --prompt "$(cat samples/demo/question.txt)" --temp 0 --max-tokens 12 --quiet "$@"; }
exact_match() { artifacts/bin/elm evaluate --model artifacts/demo-model --data samples/demo/reading --mask-prompt --exact-match --dtype float32 "$@"; }

case "$verb" in
  build)
    build "$@" ;;

  demo)   # CoreNet checkpoint -> model folder -> a story; then LoRA teaches it to answer questions about one
    build
    artifacts/bin/mlx-convert samples/demo/openelm-demo.pt artifacts/demo-model --overwrite \
      --config-yaml samples/demo/openelm-demo.yaml --architecture samples/demo/architecture.json \
      --tokenizer-path samples/demo/tokenizer.model
    prompt="${*:-Once upon a time}"
    printf '\n%s ' "$prompt"
    artifacts/bin/elm generate --model artifacts/demo-model --prompt "$prompt" --temp 0.7 --seed "${SEED:-7}" --max-tokens 160
    printf '\n%s\n' "It tells stories, and cannot answer a question about one:"
    ask
    exact_match
    printf '\n%s\n' "Fine-tuning it on 800 questions (samples/demo/reading.yaml):"
    rm -rf artifacts/demo-adapters
    artifacts/bin/elm lora -c samples/demo/reading.yaml --dtype float32
    printf '\n%s\n' "With the adapters:"
    ask --adapter-path artifacts/demo-adapters
    exact_match --adapter-path artifacts/demo-adapters ;;

  test)   # extra arguments go to dotnet test; ends with "N passed, N failed"
    build
    log=artifacts/test.log
    status=0
    dotnet test tests/ElmMlx.Tests -c Release --no-build --logger "console;verbosity=minimal" "$@" | tee "$log" || status=$?
    cat artifacts/bin/ElmMlx.Tests/release/golden-replay.txt 2>/dev/null || true
    passed=$(sed -nE 's/.*Passed: +([0-9]+).*/\1/p' "$log" | tail -1)
    failed=$(sed -nE 's/.*Failed: +([0-9]+).*/\1/p' "$log" | tail -1)
    echo "${passed:-0} passed, ${failed:-1} failed"
    [ "$status" -eq 0 ] && [ "${failed:-1}" -eq 0 ] && [ "${passed:-0}" -gt 0 ] ;;

  bindings)   # ./build.sh bindings VERSION=HEADERS_FOLDER ... : describe those headers anew, then write the C#
    for pair in "$@"; do
      dotnet run --project bindings/Generator -c Release -- extract \
        --version "${pair%%=*}" --headers "${pair#*=}" --output "bindings/mlx-c-${pair%%=*}.json"
    done
    dotnet run --project bindings/Generator -c Release -- emit ;;

  coverage)   # which test class calls which C function, for docs/coverage.md
    build
    ELMMLX_PROVIDER=cpu ELMMLX_CALLS="$PWD/tests/calls.json" dotnet test tests/ElmMlx.Tests -c Release --no-build "$@"
    dotnet run --project bindings/Generator -c Release -- emit ;;

  api)    # what is public and not yet written down goes to PublicAPI.Unshipped.txt; what is gone comes out
    api=src/ElmMlx/PublicAPI.Unshipped.txt
    printf '#nullable enable\n' >"$api"
    dotnet build src/ElmMlx -c Release -v q --no-incremental -p:TreatWarningsAsErrors=false -clp:NoSummary |
      sed -nE "s/.* RS0016: Symbol '(.*)' is not part of the declared public API.*/\1/p" | LC_ALL=C sort -u >"$api.new"
    cat "$api.new" >>"$api"
    rm "$api.new" ;;

  check)  # format, drift of generated code, layering, no machine paths
    dotnet format ElmMlx.sln --verify-no-changes --no-restore --exclude bindings/Generated
    dotnet run --project bindings/Generator -c Release -- emit --check
    build
    dotnet test tests/ElmMlx.Tests -c Release --no-build --filter "FullyQualifiedName~LayeringTests|FullyQualifiedName~GeneratorTests" ;;

  bench)
    dotnet run --project benchmarks -c Release -- "$@" ;;

  pack)
    dotnet pack ElmMlx.sln -c Release -v q -o artifacts/packages ;;

  native)   # the CPU provider as a libmlxc for C programs, for this processor: ./build.sh native x86-64-v3 for any of that kind
    rid="$(dotnet --info | sed -nE 's/^ *RID: *//p' | head -1)"
    case "$rid" in osx*) library=libmlxc.dylib ;; win*) library=libmlxc.dll ;; *) library=libmlxc.so ;; esac
    dotnet publish native/libmlxc -c Release -r "$rid" -v q -p:IlcInstructionSet="${1:-native}" -o artifacts/native
    if command -v cc >/dev/null && [ "$library" != libmlxc.dll ]; then   # a C program proves it
      cc -Wall -Wextra native/smoke.c -o artifacts/native/smoke -Lartifacts/native -lmlxc -Wl,-rpath,"$PWD/artifacts/native"
      artifacts/native/smoke
    fi
    ls -l "artifacts/native/$library" ;;

  publish)  # self-contained commands; ./build.sh publish osx-arm64 cross-publishes
    for rid in "${@:-$(dotnet --info | sed -nE 's/^ *RID: *//p' | head -1)}"; do
      for project in tools/elm tools/convert; do
        dotnet publish "$project" -c Release -r "$rid" --self-contained -v q -o "artifacts/publish/$rid"
      done
      echo "artifacts/publish/$rid"
    done ;;

  *)
    sed -n 2p "$0" >&2
    exit 2 ;;
esac
