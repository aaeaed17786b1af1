/** The bundle: everything that the product runs by, in a few files without node_modules. */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { build, type Metafile, type Plugin } from 'esbuild';

export const ROOT = join(import.meta.dirname, '..');

/** Some dependencies are CommonJS, and ask for Node's own modules by `require`. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

interface Bundle {
  /** Name in the directory of the bundle → content. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Which sources went into which file; paths below the root. */
  readonly metafile: Metafile;
}

export interface BundleOptions {
  /** In place of the package's: what another release calls itself. */
  readonly version?: string;
}

/** In memory: what is written where changes nothing in it (source maps have paths from a `dist` beside the sources). */
export async function bundle({ version }: BundleOptions = {}): Promise<Bundle> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: {
      tcpvs: 'src/cli/tcpvs.ts',
      tcpvsadm: 'src/cli/tcpvsadm.ts',
      // beside the others: main/serving.ts looks for it there
      worker: 'src/proxy/worker/worker.ts',
      // beside the others: placement/thread/solver-thread.ts looks for it there
      'placement-worker': 'src/placement/thread/worker.ts',
    },
    outdir: 'dist',
    write: false,
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node26',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    banner: { js: REQUIRE },
    minifySyntax: true,
    sourcemap: 'linked',
    sourcesContent: false,
    metafile: true,
    plugins: [inEnglish, httpAlone, ...(version === undefined ? [] : [calledVersion(version)])],
    logLevel: 'warning',
  });
  const files = new Map<string, Uint8Array>(
    outputFiles.map(({ path, contents, text }) => [basename(path), path.endsWith('.mjs') ? inAscii(text) : contents]),
  );
  // HiGHS looks for it beside its own code; only the solving thread loads either.
  files.set('highs.wasm', readFileSync(join(ROOT, 'node_modules/highs/build/highs.wasm')));
  return { metafile, files };
}

/** Messages of zod in fifty languages are half of what it weighs, and held as long as the process runs. */
const inEnglish: Plugin = {
  name: 'in-english',
  setup: (esbuild) =>
    esbuild.onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, ({ path }) => ({
      contents: "export { default as en } from './en.js';",
      resolveDir: dirname(path),
    })),
};

/**
 * An ES module that imports node:http asks it for each of its names, among them `WebSocket`, which is undici: 9 MB in each
 * process. Asked for as an object, it loads what is used.
 */
const httpAlone: Plugin = {
  name: 'http-alone',
  setup: (esbuild) => {
    esbuild.onResolve({ filter: /^(?:node:)?http$/ }, () => ({ path: 'http', namespace: 'http-alone' }));
    esbuild.onLoad({ filter: /^http$/, namespace: 'http-alone' }, () => ({
      contents: "module.exports = process.getBuiltinModule('node:http');",
    }));
  },
};

function calledVersion(version: string): Plugin {
  const path = join(ROOT, 'package.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  const contents = JSON.stringify({ ...manifest, version });
  return {
    name: 'version',
    setup: (esbuild) =>
      esbuild.onLoad({ filter: /package\.json$/ }, (file) =>
        file.path === path ? { contents, loader: 'json' } : null,
      ),
  };
}

/**
 * A source with a single character beyond ASCII is held in two bytes per character by whoever runs it (2 MB more for a
 * controller). In strings such characters are escapes already: these are in comments, or in regular expressions, where an escape is
 * the character all the same.
 */
export function inAscii(code: string): Uint8Array {
  return Buffer.from(code.replaceAll(BEYOND_ASCII, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`));
}

const BEYOND_ASCII = /[^\0-\x7f]/g;

/**
 * What a file of the bundle needs as soon as it is loaded: its own sources, those of what it imports statically, and modules of
 * Node's own (`node:…`).
 */
export function loadedWith(metafile: Metafile, file: string): ReadonlySet<string> {
  const sources = new Set<string>();
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const output = metafile.outputs[name];
    if (output === undefined) {
      sources.add(name);
      return;
    }
    for (const source of Object.keys(output.inputs)) sources.add(source);
    for (const { path, kind } of output.imports) if (kind !== 'dynamic-import') visit(path);
  };
  visit(file);
  return sources;
}
