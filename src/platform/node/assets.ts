import { readFileSync } from 'node:fs';

/** Files that come with the package lie in its root; published bundles lie in dist/, sources three folders deep. */
function packageRoot(): URL {
  if (typeof PACKAGE_ROOT === 'string') return new URL(PACKAGE_ROOT);
  return new URL(import.meta.url.endsWith('.ts') ? '../../../' : '../', import.meta.url);
}

/** Where a file of the package is. */
export const assetUrl = (path: string) => new URL(path, packageRoot());

/** Reads a file of the package: `dist/kernel.wasm`, `dist/6.18.btf`. */
export function readAsset(path: string): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = readFileSync(assetUrl(path));
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, length);
}
