# Sourced by the scripts beside: where things lie, and how a training or an evaluation is started.
#
#   BENCH=.venv/bin/bench  the command          DEVICE=auto  cpu, cuda
#   RUNS=runs/results      trainings            OUT=results  records; those that are here are copies of such
#   MINUTES                stop after so many: the same call goes on
#   SYMMBENCH_DATA         the folder with the data sets' folders; else where `bench data get` puts them
set -euo pipefail
name=${PWD##*/} # of the folder that the script lies in, which it has gone to
cd ../../..
runs=${RUNS:-runs/results}/$name
out=${OUT:-results}/$name
read -ra bench <<< "${BENCH:-.venv/bin/bench}"
device=(--device "${DEVICE:-auto}")
deadline=${MINUTES:+$((SECONDS + 60 * MINUTES))}

watch() { # sets `minutes`, the whole ones that are left, and ends where there are none
    minutes=
    if [[ $deadline ]]; then
        minutes=$(((deadline - SECONDS) / 60))
        if ((minutes < 1)); then
            echo "$name: call again to go on"
            exit 0
        fi
    fi
}

recipe() { # of a RUN, which names it before any @: one of this folder, one of another (mnist/fm-small), or a bundled one
    local one=${1%@*}
    local file=reports/results/$name/recipes/$one.toml
    if [[ $one == */* ]]; then file=reports/results/${one%/*}/recipes/${one##*/}.toml; fi
    if [[ -f $file ]]; then echo "$file"; else echo "$one"; fi
}

get() { # WHAT ...: data sets and networks, where they are not there yet
    watch
    for one; do "${bench[@]}" data get "$one"; done
}

train() { # RUN ARGUMENTS
    watch
    "${bench[@]}" train --recipe "$(recipe "$1")" --out "$runs/$1" "${device[@]}" \
        ${minutes:+--max-minutes $minutes} "${@:2}"
    watch
}

run() { # METHOD RUN TASK ARGUMENTS: evaluates what RUN trained
    watch
    ${minutes:+timeout --foreground --signal INT ${minutes}m} "${bench[@]}" run --method "$1" --checkpoint "$runs/$2" --task "$3" \
        --out "$out" "${device[@]}" "${@:4}" || { (($? == 124)) && watch && exit 1; }
}

pages() { # the tables of what was measured, and the report for a browser and for a repository
    watch
    "${bench[@]}" compare "$out" --against published
    for form in html md; do "${bench[@]}" report "$out" --out "$out/report.$form"; done
}
