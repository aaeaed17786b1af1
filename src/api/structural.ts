/**
 * zod → structural schema (Kubernetes' subset of OpenAPI v3): keeps what the API server takes and throws on the rest,
 * so that a schema it would refuse is found when it is generated, not when it is installed.
 */
import { z } from 'zod';

export interface Structural {
  type?: string;
  format?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  pattern?: string;
  required?: string[];
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  properties?: Record<string, Structural>;
  items?: Structural;
  additionalProperties?: Structural;
  anyOf?: { type: string }[];
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-validations'?: { rule: string; message: string; fieldPath?: string }[];
}

type Node = Record<string, unknown>;

const SCALARS = [
  'format',
  'description',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'maxProperties',
];
const STRUCTURE = ['type', 'default', 'properties', 'required', 'items', 'additionalProperties', 'anyOf'];
const INT32_MAX = 2 ** 31 - 1;

/** The structural schema of a zod schema; throws an error that names the path of what is not structural. */
export const toStructural = (schema: z.ZodType): Structural =>
  convert(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }), 'self');

const convert = (node: Node, path: string): Structural => {
  const fail = (what: string): never => {
    throw new Error(`${path}: not structural: ${what}`);
  };
  for (const key of Object.keys(node)) {
    if (!SCALARS.includes(key) && !STRUCTURE.includes(key) && !key.startsWith('x-kubernetes-')) fail(`has ${key}`);
  }
  const out: Structural = {};
  for (const key of Object.keys(node)) {
    if (SCALARS.includes(key) || key.startsWith('x-kubernetes-')) Object.assign(out, { [key]: node[key] });
  }
  for (const rule of out['x-kubernetes-validations'] ?? []) {
    if (/[\r\n]/.test(rule.message + rule.rule)) fail('a line break in a rule');
  }
  if (isWorthKeeping(node['default'])) out.default = node['default'];
  if (node['x-kubernetes-int-or-string'] === true) return intOrString(node, out, fail);
  if (node['anyOf'] !== undefined) fail('a union that is not int-or-string');
  out.type = typeof node['type'] === 'string' ? node['type'] : fail('no single type');
  switch (out.type) {
    case 'object':
      return object(node, out, path, fail);
    case 'array':
      if (out.maxItems === undefined) fail('a list without maxItems');
      out.items = convert(node['items'] as Node, `${path}[]`);
      checkListKeys(out, fail);
      return out;
    case 'string':
      if (out.maxLength === undefined && out.enum === undefined && out.format === undefined) {
        fail('a string without maxLength, enum or format');
      }
      return out;
    case 'integer':
      return integer(out);
    case 'boolean':
      return out;
    default:
      return fail(`type ${out.type}`);
  }
};

/** Empty lists and objects as defaults only lengthen what `kubectl get -o yaml` shows; the parser has them anyway. */
const isWorthKeeping = (value: unknown): boolean => {
  if (value === undefined) return false;
  if (Array.isArray(value)) return value.length > 0;
  return typeof value !== 'object' || value === null || Object.keys(value).length > 0;
};

const object = (node: Node, out: Structural, path: string, fail: (what: string) => never): Structural => {
  const additional = node['additionalProperties'];
  if (typeof additional === 'object') {
    if (out.maxProperties === undefined) fail('a map without maxProperties');
    out.additionalProperties = convert(additional as Node, `${path}{}`);
    return out;
  }
  const properties = node['properties'] as Record<string, Node> | undefined;
  if (properties === undefined) return fail('an object without properties');
  out.properties = {};
  for (const [name, child] of Object.entries(properties)) {
    const converted = convert(child, `${path}.${name}`);
    if (converted.description === undefined) throw new Error(`${path}.${name}: has no description`);
    out.properties[name] = converted;
  }
  const required = node['required'] as string[] | undefined;
  if (required !== undefined && required.length > 0) out.required = required;
  return out;
};

/** zod bounds every integer by ±(2^53 - 1); bounds of ours are far from that. */
const integer = (out: Structural): Structural => {
  if (out.minimum === Number.MIN_SAFE_INTEGER) delete out.minimum;
  if (out.maximum === Number.MAX_SAFE_INTEGER) delete out.maximum;
  out.format ??= out.maximum !== undefined && out.maximum <= INT32_MAX ? 'int32' : 'int64';
  return out;
};

/** Bounds stand beside anyOf; the server refuses them within its branches. They speak to one of the types each. */
const intOrString = (node: Node, out: Structural, fail: (what: string) => never): Structural => {
  const branches = node['anyOf'] as Node[] | undefined;
  if (branches?.map((each) => each['type']).join() !== 'integer,string') return fail('int-or-string of other types');
  const bounds = Object.assign({}, ...branches) as Node;
  delete bounds['type'];
  if (bounds['maximum'] === Number.MAX_SAFE_INTEGER) delete bounds['maximum'];
  if (bounds['minimum'] === Number.MIN_SAFE_INTEGER) delete bounds['minimum'];
  return { ...out, ...(bounds as Structural), anyOf: [{ type: 'integer' }, { type: 'string' }] };
};

const checkListKeys = (list: Structural, fail: (what: string) => never): void => {
  for (const key of list['x-kubernetes-list-map-keys'] ?? []) {
    const field = list.items?.properties?.[key];
    if (field === undefined || (list.items?.required?.includes(key) !== true && field.default === undefined)) {
      fail(`the list key ${key} is neither required nor defaulted`);
    }
    if (field?.type === 'object' || field?.type === 'array') fail(`the list key ${key} is no scalar`);
  }
};
