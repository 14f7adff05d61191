/**
 * Rebuilds the BPF objects of examples/, test/, src/engine/ and bench/ with clang-19. With --check, compares with what is committed
 * and changes nothing. Where clang-19 is missing it says so and does nothing, except in CI, where it tries to install it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = typeof PACKAGE_ROOT === 'string' ? fileURLToPath(PACKAGE_ROOT) : process.cwd();
const CLANG = 'clang-19';
const STRIP = 'llvm-strip-19';
const FOLDERS = ['examples', 'test/objects', 'test/verifier/objects', 'test/explore', 'src/engine', 'bench'];

function works(tool: string): boolean {
  return spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Debian and Ubuntu only, and only in CI: nobody's machine is changed behind their back. */
function install(): string | null {
  if (!process.env.CI) return `${CLANG} is not installed`;
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const steps = [
    ['apt-get', 'update', '-q'],
    ['apt-get', 'install', '-qy', '--no-install-recommends', 'clang-19', 'llvm-19'],
  ];
  for (const step of steps) {
    const [command = '', ...args] = [...sudo, ...step];
    const { status } = spawnSync(command, args, {
      stdio: 'ignore',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    if (status !== 0) return `${CLANG} is not installed, and "${step.slice(0, 2).join(' ')}" did not work`;
  }
  return works(CLANG) && works(STRIP) ? null : `${CLANG} was installed but does not run`;
}

function sources(): string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.bpf.c'))
      .map((file) => join(folder, file)),
  ).sort();
}

/** Compiles one source; the same bytes everywhere, since no path of this machine gets in. */
function compile(source: string, outfile: string): string | null {
  const { status, stderr } = spawnSync(
    CLANG,
    [
      ...[
        '-O2',
        '-g',
        '-target',
        'bpf',
        '-Wall',
        '-Werror',
        '-Iexamples/include',
        '-Itest/verifier/objects',
        '-Itest/explore/races',
      ],
      ...[`-ffile-prefix-map=${root}=.`, '-fdebug-compilation-dir=.', '-c', source, '-o', outfile],
    ],
    { cwd: root, encoding: 'utf8' },
  );
  if (status !== 0) return stderr;
  return spawnSync(STRIP, ['-g', outfile]).status === 0 ? null : `${STRIP} failed on ${outfile}\n`;
}

function main(check: boolean): number {
  if (!works(CLANG) || !works(STRIP)) {
    const reason = install();
    if (reason !== null) {
      console.log(`examples not rebuilt: ${reason}`);
      return 0;
    }
  }
  const work = mkdtempSync(join(tmpdir(), 'bpf-cpumask-'));
  let failed = 0;
  try {
    for (const source of sources()) {
      const fresh = join(work, 'out.o');
      const target = join(root, dirname(source), source.replace(/^.*\//, '').replace(/\.c$/, '.o'));
      const problem = compile(source, fresh);
      if (problem !== null) {
        failed++;
        console.log(`${source}: does not compile\n${problem}`);
        continue;
      }
      const want = readFileSync(fresh);
      const have = readIfThere(target);
      const same = have !== null && want.equals(have);
      if (!same && check) failed++;
      if (!same && !check) writeFileSync(target, want);
      console.log(`${source}: ${same ? 'up to date' : check ? 'differs from the committed object' : 'rebuilt'}`);
    }
  } finally {
    rmSync(work, { recursive: true });
  }
  return failed === 0 ? 0 : 1;
}

function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

process.exitCode = main(process.argv.includes('--check'));
