/** Records of events, as SEC("tracepoint/...") programs see them: struct trace_event_raw_EVENT of the kernel's BTF. */
import type { Btf } from '../btf/btf.ts';
import { encodeValue, findMember } from '../btf/values.ts';
import { NotSupported } from '../errors.ts';
import type { TraceFields, TracepointRow } from './tracepoints.ts';

/** The record that a fired tracepoint makes; members that this kernel's record does not have are left out. */
export function traceRecord(btf: Btf, row: TracepointRow, fields: TraceFields): Uint8Array {
  const name = `trace_event_raw_${row.event?.name}`;
  const typeId = row.event ? btf.find(name, 'struct') : 0;
  if (!row.event || typeId === 0) throw new NotSupported(`the event record of tracepoint ${row.name}`);
  const bytes = new Uint8Array(btf.size(typeId));
  for (const [member, value] of Object.entries(row.event.fields(fields))) {
    const place = value === undefined ? null : findMember(btf, typeId, member);
    if (!place) continue;
    encodeValue(btf, place.typeId, bytes.subarray(place.offset), value, name);
  }
  return bytes;
}
