#!/usr/bin/env bash
# What takes a GPU: the paper's network on Fashion-MNIST, a wide one on CIFAR-10 (JPEG), and, in the small network of
# mnist/, more training seeds and SymmFlow's loss weight w and label noise beta. Cheap things first.
cd "$(dirname "$0")/../../.." && source reports/results/steps.sh

measure() { # METHOD RUN DATASET: as far as the method does it
    if [[ $1 != fm ]]; then run "$1" "$2" cls --dataset "$3" --steps "$([[ $1 == symmflow ]] && echo 1,2,5,10,20,25 || echo 10,100)" --limit 500; fi
    run "$1" "$2" sis --dataset "$3" --limit 1000 --steps 1,2,5,10,25
}

for seed in 1 2; do
    for method in symmflow diffusion-classifier fm; do
        train "mnist/$method-small@seed$seed" --set train.seed=$seed
        measure $method "mnist/$method-small@seed$seed" mnist
    done
done
for weight in 0.1 0.3 0.7 0.9; do # 0.5 is the paper's sum over the channels, of two here
    train mnist/symmflow-small@w$weight --set objective.image_weight=$weight
    measure symmflow mnist/symmflow-small@w$weight mnist
done
for beta in 0 0.02 0.1; do # 0.056, a quarter of the labels' distance, is the default
    train mnist/symmflow-small@beta$beta --set labels.beta=$beta
    measure symmflow mnist/symmflow-small@beta$beta mnist
done

for one in 'fashion-mnist/symmflow' 'fashion-mnist/symmflow[official]'; do
    train "$one" --set train.precision=bf16 --set train.accumulate=1
    run symmflow "$one" cls --dataset fashion-mnist --steps 1,2,5,10,20,25
    run symmflow "$one" sis --dataset fashion-mnist --steps 1,2,5,10,25
done
train cifar-10-jpeg-symmflow
run symmflow cifar-10-jpeg-symmflow cls --dataset cifar-10-jpeg --steps 1,2,5,10,20,25
run symmflow cifar-10-jpeg-symmflow sis --dataset cifar-10-jpeg --steps 1,2,5,10,25

"${bench[@]}" compare "$out" --against published
"${bench[@]}" report "$out" --out "$out/report.html"
