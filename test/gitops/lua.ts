/** A real Lua for Argo CD's scripts: `obj` is a table in it, as there. */
import { LuaFactory } from 'wasmoon';

export async function runHealthScript(script: string, object: unknown): Promise<{ status: string; message: string }> {
  const lua = await new LuaFactory().createEngine({ openStandardLibs: true });
  try {
    // Argo CD opens neither of them.
    const closed = 'os, io, require, package, debug = nil, nil, nil, nil, nil';
    return await lua.doString(`${closed}\nobj = ${literal(object)}\n${script}`);
  } finally {
    lua.global.close();
  }
}

/** JSON as a Lua table; null is nil, as in Argo CD. */
function literal(value: unknown): string {
  if (value === null || value === undefined) return 'nil';
  if (Array.isArray(value)) return `{ ${value.map(literal).join(', ')} }`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, each]) => `[${JSON.stringify(key)}] = ${literal(each)}`);
  return `{ ${entries.join(', ')} }`;
}
