/** Messages of memory accesses, pointer arithmetic, maps, attachment. */
export const memory = {
  walkNotStruct: (name: string) => `Type '${name}' is not a struct`,
  walkBeyondStruct: (name: string, off: number, size: number) =>
    `access beyond struct ${name} at off ${off >>> 0} size ${size}`,
  walkNoSize: (field: string) => `field ${field} doesn't have size`,
  walkPtrMember: (member: string, moff: number, struct: string, off: number, size: number) =>
    `cannot access ptr member ${member} with moff ${moff} in struct ${struct} with off ${off} size ${size}`,
  walkBeyondMember: (member: string, end: number, struct: string, off: number, size: number) =>
    `access beyond the end of member ${member} (mend:${end}) in struct ${struct} with off ${off} size ${size}`,
  walkNoField: (struct: string, off: number) => `struct ${struct} doesn't have field at offset ${off}`,
  directFieldAccess: (field: string) => `direct access to ${field} is disallowed`,
} as const;
