/** Sockets: looked up (a reference), found in a context, cast from one kind into another. */
import { NUMBER, type Step, type Thing } from '../writer.ts';
import { at } from './core.ts';

const RELEASE = ['call bpf_sk_release'];
const KINDS = ['sock', 'full_sock', 'tcp_sock', 'skc'];

/** Where a context has its socket. */
const CONTEXT_SOCKET = { sched_cls: 168, cgroup_skb: 168, sk_lookup: 0, sock_ops: 184 } as const;

const lookupSocket: Step = (w) => {
  const ctx = w.find('ctx');
  if (ctx === null || ctx < 6) return false;
  w.emit(`*(u64 *)${at(10, -64)} = 0`, `*(u64 *)${at(10, -56)} = 0`, `r1 = r${ctx}`);
  w.stackAddress(2, -64);
  w.emit(`r3 = ${w.maybe(12, 36, 0, 200)}`, `r4 = ${w.pick([0, -1])}`, `r5 = ${w.maybe(0, 1)}`);
  const [name, kind] = w.pick([
    ['bpf_sk_lookup_tcp', 'sock'],
    ['bpf_sk_lookup_udp', 'sock'],
    ['bpf_skc_lookup_tcp', 'skc'],
  ] as const);
  w.call(name, null);
  w.keep({ kind }, RELEASE);
  return true;
};

const contextSocket: Step = (w) => {
  const ctx = w.find('ctx');
  const reg = w.free();
  const off = CONTEXT_SOCKET[w.type as keyof typeof CONTEXT_SOCKET];
  if (ctx === null || ctx < 6 || reg === null || reg === ctx || off === undefined) return false;
  w.emit(`r${reg} = *(u64 *)${at(ctx, w.maybe(off, off + 4))}`);
  w.set(reg, null);
  if (!w.wrong()) w.leaveIfNull(reg);
  w.set(reg, { kind: 'skc' });
  return true;
};

const CASTS: readonly (readonly [name: string, kind: string])[] = [
  ['bpf_sk_fullsock', 'full_sock'],
  ['bpf_tcp_sock', 'tcp_sock'],
  ['bpf_get_listener_sock', 'sock'],
  ['bpf_skc_to_tcp_sock', 'btf_sock'],
  ['bpf_skc_to_udp6_sock', 'btf_sock'],
  ['bpf_skc_to_unix_sock', 'btf_sock'],
];

/** What a cast gives belongs to what it was made of: both are gone when that is released. */
const cast: Step = (w) => {
  const reg = w.find(...KINDS);
  if (reg === null || reg < 6) return false;
  const [name, kind] = w.pick(CASTS);
  const thing: Thing = { ...(w.thing(reg) as Thing), kind };
  w.emit(`r1 = r${reg}`);
  w.call(name, null);
  w.keep(thing);
  return true;
};

const readSocket: Step = (w) => {
  const reg = w.find(...KINDS, 'btf_sock');
  if (reg === null) return false;
  const size = w.pick([8, 16, 32, 32, 32, 64]);
  const off = w.maybe((size / 8) * w.below(80 / (size / 8)), 79, 96, 112, 400, -4);
  const dst = w.below(6);
  const place = `*(u${size} *)${at(reg, off)}`;
  w.emit(w.maybe(`r${dst} = ${place}`, `${place} = 1`));
  w.set(dst, NUMBER);
  return true;
};

const releaseSocket: Step = (w) => {
  const held = w.newest('sock', 'skc');
  if (!held) {
    const reg = w.wrong() ? w.find(...KINDS) : null;
    if (reg === null) return false;
    w.emit(`r1 = r${reg}`);
    w.call('bpf_sk_release');
    return true;
  }
  w.giveBack(held);
  return true;
};

const cookie: Step = (w) => {
  const reg = w.find(...KINDS, 'ctx');
  if (reg === null || reg < 6) return false;
  w.emit(`r1 = r${reg}`);
  w.call(w.type === 'cgroup_skb' ? w.pick(['bpf_get_socket_cookie', 'bpf_sk_cgroup_id']) : 'bpf_get_socket_cookie');
  return true;
};

export const SOCKET_STEPS: readonly Step[] = [
  lookupSocket,
  lookupSocket,
  contextSocket,
  cast,
  cast,
  readSocket,
  readSocket,
  releaseSocket,
  cookie,
];
