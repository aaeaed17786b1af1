import { extname } from 'node:path';

import { objectsOfConfiguration } from '../ktcpvs/manifests.ts';
import type { Services } from '../ktcpvs/services.ts';
import { documentParser } from './manifests-documents.ts';
import { parseManifests } from './manifests-parse.ts';
import type { ParsedFile, ParseFile } from './objects.ts';

const MANIFESTS: ReadonlySet<string> = new Set(['.yaml', '.yml', '.json']);

/** Reads a file as what it is: manifests by extension or by their look, else a configuration file of KTCPVS. */
export function fileParser(services: Services): ParseFile {
  const parse = documentParser(manifests);
  return (text, file) => (areManifests(text, file) ? parse(text, file) : objectsOfConfiguration(text, file, services));
}

function areManifests(text: string, file: string): boolean {
  return MANIFESTS.has(extname(file)) || /^(?:\s*\{|(?:.*\n)*?(?:---|apiVersion:|kind:))/.test(text.slice(0, 4096));
}

function manifests(text: string, file: string): ParsedFile {
  const { objects, secrets, faults } = parseManifests(file, text);
  return {
    objects: objects.map(({ raw, line }) => ({ object: raw, line })),
    secrets: secrets.map(({ key, secret }) => [key, secret]),
    faults,
  };
}
