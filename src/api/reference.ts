/** docs/reference/api.md: one table of fields per kind, from the schemas. */
import { toSchema } from './crd.ts';
import { API_VERSION } from './group.ts';
import type { KindInfo } from './kinds.ts';
import type { Structural } from './structural.ts';

interface Line {
  readonly field: string;
  readonly type: string;
  readonly fallback: string;
  readonly text: string;
}

/** The page, Markdown. */
export const toReference = (infos: readonly KindInfo[]): string =>
  [
    '# API reference',
    '',
    `Generated from \`src/api\` by \`make generate\`. Group and version: \`${API_VERSION}\`. Lists are written \`name[]\`; a field marked \`*\` must be given.`,
    ...infos.flatMap(section),
    '',
  ].join('\n');

const section = (info: KindInfo): string[] => {
  const schema = toSchema(info);
  const spec = schema.properties?.['spec'] ?? {};
  const status = schema.properties?.['status'] ?? {};
  return [
    '',
    `## ${info.kind} (${info.shortName})`,
    '',
    info.description,
    '',
    `### Fields of ${info.kind}`,
    '',
    ...table(lines('spec', spec)),
    '',
    `### Rules of ${info.kind}`,
    '',
    ...rules('spec', spec).map(([path, message]) => `- \`${path}\`: ${escape(message)}`),
    '',
    `### Status of ${info.kind}`,
    '',
    ...table(lines('status', status)),
  ];
};

const lines = (path: string, node: Structural): Line[] =>
  Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const field = `${path}.${name}${child.type === 'array' ? '[]' : ''}`;
    const mark = node.required?.includes(name) === true ? ' \\*' : '';
    const line = {
      field: `\`${field}\`${mark}`,
      type: typeOf(child),
      fallback: child.default === undefined ? '' : `\`${JSON.stringify(child.default)}\``,
      text: escape(child.description ?? ''),
    };
    return [line, ...lines(field, child.items ?? child)];
  });

const typeOf = (node: Structural): string => {
  if (node.enum !== undefined) return node.enum.map((each) => `\`${String(each)}\``).join(', ');
  if (node['x-kubernetes-int-or-string'] === true) return 'integer or string';
  switch (node.type) {
    case 'array': {
      const keys = node['x-kubernetes-list-map-keys'];
      const of = node.items?.type === 'object' ? 'objects' : 'strings';
      return `list of at most ${node.maxItems} ${of}${keys === undefined ? '' : `, by \`${keys.join()}\``}`;
    }
    case 'integer':
      return node.maximum === undefined ? 'integer' : `integer ${node.minimum ?? ''}…${node.maximum}`;
    case 'string':
      return node.format ?? (node.maxLength === undefined ? 'string' : `string, at most ${node.maxLength}`);
    case 'object':
      return node.additionalProperties === undefined ? 'object' : 'map of strings';
    case undefined:
    default:
      return node.type ?? '';
  }
};

const rules = (path: string, node: Structural): [string, string][] => [
  ...(node['x-kubernetes-validations'] ?? []).map((rule): [string, string] => [
    `${path}${rule.fieldPath ?? ''}`,
    rule.message,
  ]),
  ...Object.entries(node.properties ?? {}).flatMap(([name, child]) =>
    rules(`${path}.${name}${child.type === 'array' ? '[]' : ''}`, child.items ?? child),
  ),
];

const escape = (text: string): string => text.replaceAll('|', '\\|').replaceAll('*', '\\*').replaceAll('<', '&lt;');

const table = (rows: readonly Line[]): string[] => [
  '| field | type | default | what |',
  '| --- | --- | --- | --- |',
  ...rows.map((row) => `| ${row.field} | ${row.type} | ${row.fallback} | ${row.text} |`),
];
