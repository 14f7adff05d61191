// SPDX-License-Identifier: MIT
/*
 * Loops that do nothing but compute, on registers and the stack: no maps, no helpers, so that any BPF machine runs them. Each
 * starts from a number that the verifier does not know, except where every branch depends on it: walking all the paths of
 * those would take the verifier forever, so they start from a constant, and it follows the one path.
 */
typedef unsigned char __u8;
typedef unsigned int __u32;
typedef unsigned long long __u64;

struct __sk_buff {
	__u32 len;
};

#define SEC(name) __attribute__((section(name), used))

/* A loop that the compiler leaves one. */
#define repeat(i, n) _Pragma("clang loop unroll(disable) vectorize(disable)") for (__u32 i = 0; i < (n); i++)

SEC("tc") int arithmetic(struct __sk_buff *skb)
{
	__u64 a = skb->len, b = a + 3;

	repeat(i, 40000) {
		a = a * 0x5851f42d + b;
		b ^= a >> 13;
		a -= b << 3;
		b = (b | 1) + (a & 0xff);
		a += i;
	}
	return (int)(a ^ b);
}

SEC("tc") int xorshift(struct __sk_buff *skb)
{
	__u64 x = skb->len | 1;

	repeat(i, 60000) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	return (int)x;
}

SEC("tc") int fnv(struct __sk_buff *skb)
{
	__u8 data[256];
	__u32 hash = 0x811c9dc5;
	__u32 seed = skb->len;

	repeat(i, 256) data[i] = (__u8)(seed + i * 7);
	repeat(round, 320) {
		repeat(i, 256) {
			hash ^= data[i];
			hash *= 0x01000193;
		}
	}
	return (int)hash;
}

SEC("tc") int sieve(struct __sk_buff *skb)
{
	__u8 composite[400];
	__u32 found = skb->len;

	repeat(round, 90) {
		repeat(i, 400) composite[i] = 0;
		for (__u32 i = 2; i < 20; i++) {
			for (__u32 at = i * i; at < 400; at += i)
				composite[at] = 1;
		}
		repeat(i, 400) found += composite[i];
	}
	return (int)found;
}

SEC("tc") int popcount(struct __sk_buff *skb)
{
	__u64 seed = skb->len, total = 0;

	repeat(i, 30000) {
		__u64 x = seed * 0x9e3779b97f4a7c15ull + i;

		x -= (x >> 1) & 0x5555555555555555ull;
		x = (x & 0x3333333333333333ull) + ((x >> 2) & 0x3333333333333333ull);
		x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0full;
		total += (x * 0x0101010101010101ull) >> 56;
		seed += total;
	}
	return (int)total;
}

SEC("tc") int branchy(struct __sk_buff *skb)
{
	__u32 state = 0x12345678, taken = 0, other = 0;

	(void)skb;
	repeat(i, 30000) {
		state = state * 1664525 + 1013904223;
		if (state & 0x10000)
			taken += state >> 24;
		else
			taken ^= i;
		if (state > 0x60000000)
			other++;
		if ((state & 0x700000) == 0x300000)
			other += taken & 3;
		else if (state & 0x800000)
			other ^= 5;
	}
	return (int)(taken + other);
}

char _license[] SEC("license") = "GPL";
