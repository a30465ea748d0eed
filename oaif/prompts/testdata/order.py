"""Prints the orders pinned by order_test.go: Fisher-Yates over SplitMix64, written apart from the
Go code."""

MASK = 2**64 - 1


def mix(x):
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & MASK
    return x ^ (x >> 31)


def order(seed, n, epoch):
    items, state = list(range(n)), mix(mix(seed) ^ epoch)
    for i in range(n - 1, 0, -1):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        j = mix(state) * (i + 1) >> 64
        items[i], items[j] = items[j], items[i]
    return items


for seed, epoch in [(0, 0), (1, 0), (1, 1)]:
    print(seed, epoch, order(seed, 10, epoch))
