import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { assemble } from '../../src/uapi/asm.ts';

const cli = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url));
/** As the runner writes it: two digits and two spaces a byte. */
const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => `${byte.toString(16).padStart(2, '0')}  `).join('');

function plugin(stdin: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'conform', ...args], { input: stdin });
  return { status, stdout: String(stdout), stderr: String(stderr) };
}

/** The least ELF file with one executable section. */
function elf(code: Uint8Array): Uint8Array {
  const file = new Uint8Array(64 + code.length + 128);
  const view = new DataView(file.buffer);
  view.setUint32(0, 0x7f454c46);
  file.set([2, 1, 1], 4);
  view.setBigUint64(0x28, BigInt(64 + code.length), true);
  view.setUint16(0x3a, 64, true);
  view.setUint16(0x3c, 2, true);
  const section = 64 + code.length + 64;
  view.setUint32(section + 4, 1, true);
  view.setBigUint64(section + 8, 6n, true);
  view.setBigUint64(section + 24, 64n, true);
  view.setBigUint64(section + 32, BigInt(code.length), true);
  file.set(code, 64);
  return file;
}

describe('conform', () => {
  it('prints r0 in hex, with r1 and r2 describing the memory', () => {
    const program = assemble('r0 = *(u32 *)(r1 + 1); r0 <<= 8; r0 += r2; exit');
    expect(plugin(`${hex(program)}\n`, '11 22 33 44 55', '--debug')).toEqual({
      status: 0,
      stdout: '5544332205\n',
      stderr: '',
    });
  });

  it('gives 0, 0 without memory, a stack below r10, and r1 back from any helper', () => {
    const program = assemble('*(u64 *)(r10 - 512) = r1; r1 = *(u64 *)(r10 - 512); r1 += r2; r1 += -1; call 5; exit');
    expect(plugin(hex(program))).toEqual({ status: 0, stdout: 'ffffffffffffffff\n', stderr: '' });
  });

  it('takes a call of a kernel function, which nothing resolves, for one of a helper', () => {
    expect(plugin('85  20  00  00  2a  00  00  00  95  00  00  00  00  00  00  00', '').stdout).toBe('0\n');
  });

  it('takes options as one argument, and nothing as an empty one', () => {
    const program = hex(assemble('r0 = r2; exit'));
    expect(plugin(program, '', '').stdout).toBe('0\n');
    expect(plugin(program, '', '--debug --engine interp').stdout).toBe('0\n');
    expect(plugin(program, '0102', '').stdout).toBe('2\n');
    expect(plugin(program, '--engine', 'interp').stdout).toBe('0\n');
  });

  it.each(['interp', 'jit'])('bears stores a little above each stack, and maps by descriptor: %s', (engine) => {
    const program = assemble(`r1 = 7; *(u64 *)(r10 - 4) = 5; call f; r6 = *(u32 *)(r10 - 4); r0 += r6; exit
      f: *(u64 *)(r10 - 4) = 9; r0 = r1; exit`);
    expect(plugin(hex(program), '--engine', engine).stdout).toBe('c\n');
    const map = assemble('r1 = map(m); call bpf_map_lookup_elem; if r0 == 0 goto +1; r0 = 1; exit', { maps: { m: 0 } });
    map[1] = 0x11;
    expect(plugin(hex(map), '--engine', engine).stdout).toBe('1\n');
  });

  it('takes an ELF file', () => {
    expect(plugin(hex(elf(assemble('r0 = 7; exit'))), '--elf').stdout).toBe('7\n');
  });

  it('says on stderr why a program failed, with status 1', () => {
    const { status, stdout, stderr } = plugin(hex(assemble('r0 = *(u64 *)(r1 + 4); exit')), '0102030405060708');
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^BUG: out-of-bounds in program, insn 0\n {2}Read of 8 bytes at 0xffff8880/);
  });

  it.each([
    ['b7 00', 'are no program'],
    ['b7 0', 'is not hex'],
    ['', 'are no program'],
  ])('refuses %j', (stdin, problem) => {
    const { status, stderr } = plugin(stdin);
    expect(status).toBe(2);
    expect(stderr).toContain(problem);
  });
});
