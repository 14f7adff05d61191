/** What the file of a kernel release says. One file a release; src/kernel/profile.ts reads them all. */
import type { Release } from '../src/kernel/bpf/rows.ts';
import type { Messages } from '../src/verifier/messages.ts';

/** Messages in another release's words. */
export type Wording = Partial<Messages>;

/** How a rule is known. */
export interface Evidence {
  /** `measured`: two of the kernels asked (test/data/matrix) differ by it. `documented`: only the kernel's history says so. */
  readonly evidence: 'measured' | 'documented';
  /** The kernels asked on both sides of the change, or the kernel function or file whose history shows it. */
  readonly source: string;
}

/** Something that kernels do from this release on, and did not before. */
export interface FeatureRow extends Evidence {
  /** Which part behaves otherwise. */
  readonly part: 'verifier' | 'machine';
  /** What kernels with it do, in one sentence. */
  readonly summary: string;
  /** What makes a program pass on kernels without it (or with it, where it forbids something). */
  readonly remedy?: string;
}

/**
 * Words that changed with this release. The tables in src/verifier/messages have those of 6.18, so that a release up to it says
 * what `was`, and a later one what `is` said from then on.
 */
export type Words = {
  readonly [Name in keyof Messages]?: Evidence & ({ readonly was: Messages[Name] } | { readonly is: Messages[Name] });
};

export interface ReleaseFile {
  readonly release: Release;
  /** The stable version that is meant: what LINUX_KERNEL_VERSION says. */
  readonly version: readonly [number, number, number];
  /** The kernel of this release that was asked for every program of the corpus (test/data/matrix), where one was. */
  readonly asked?: string;
  /** Release whose BTF it uses: its own where profiles/ has it, else the nearest. */
  readonly btf: Release;
  readonly features: Readonly<Record<string, FeatureRow>>;
  /** Features of later releases that this stable version has too; those after it do not inherit them. */
  readonly backports?: Readonly<Record<string, Evidence>>;
  readonly words: Words;
}
