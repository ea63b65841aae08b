#!/usr/bin/env bash
# CamVid at 96x128: every training and every cell, from nothing. It goes on where it was cut.
cd "$(dirname "$0")" && source ../steps.sh
view=(--dataset camvid --size 96x128)

get camvid taef2 mobilenet-v2

for one in symmflow semflow dsm fm unet segformer; do train $one-small; done
train symmflow-latents # in the latents of an autoencoder
train unet-small@1 --set train.seed=1 # it sees whether syntheses follow their masks, and is compared with nothing

run unet unet-small ss "${view[@]}"
run mmseg segformer-small ss "${view[@]}"
run symmflow symmflow-small ss "${view[@]}" --steps 1,2,5,10,25 --seeds 0,1
run semflow semflow-small ss "${view[@]}" --steps 1,2,5,10,25
run dsm dsm-small ss "${view[@]}" --steps 2,5,10,25 --seeds 0,1 # one step gives no mask

for one in symmflow-small semflow-small fm-small symmflow-latents; do
    run ${one%-*} $one sis "${view[@]}" --steps 1,2,5,10,25 --samples-per-mask 2 --extractor mobilenet-v2 \
        --judge unet --judge-checkpoint "$runs/unet-small@1"
done

# SemFlow's ablations: another perturbation than it was trained with, and an adaptive solver
for beta in 0 5 30; do
    run semflow semflow-small sis "${view[@]}" --steps 25 --samples-per-mask 2 --extractor mobilenet-v2 \
        --judge unet --judge-checkpoint "$runs/unet-small@1" --set beta=$beta
done
run semflow semflow-small ss "${view[@]}" --solver dopri5

# latents: what is lost on the way through the autoencoder, without any model, is the ceiling
mkdir -p "$out" && "${bench[@]}" roundtrip "$(recipe symmflow-latents)" --json > "$out/roundtrip.json"
run symmflow symmflow-latents ss "${view[@]}" --steps 1,2,5,10,25

pages
