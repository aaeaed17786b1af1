import assert from 'node:assert/strict';
import { test } from 'node:test';

import { z } from 'zod';

import { toStructural } from './structural.ts';

const one = (schema: z.ZodType) => z.strictObject({ field: schema.describe('x') });

const refused: readonly (readonly [string, z.ZodType, RegExp])[] = [
  ['a list without maxItems', one(z.array(z.boolean())), /self\.field: not structural: a list without maxItems/],
  ['a string without bounds', one(z.string()), /string without maxLength/],
  ['two patterns', one(z.string().max(3).regex(/a/).regex(/b/)), /has allOf/],
  ['a union', one(z.union([z.boolean(), z.int()])), /union/],
  ['a discriminated union', one(z.discriminatedUnion('t', [z.strictObject({ t: z.literal('a') })])), /self\.field/],
  ['nullable', one(z.boolean().nullable()), /self\.field/],
  ['anything', one(z.unknown()), /no single type/],
  ['a float', one(z.number()), /type number/],
  ['a map without bound', one(z.record(z.string(), z.boolean())), /map without maxProperties/],
  ['an open object', one(z.looseObject({})), /self\.field/],
  ['no description', z.strictObject({ field: z.boolean() }), /self\.field: has no description/],
  [
    'an optional list key',
    one(
      z
        .array(z.strictObject({ name: z.string().max(3).optional().describe('x') }))
        .max(3)
        .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] }),
    ),
    /list key name is neither required nor defaulted/,
  ],
];

for (const [what, schema, message] of refused) {
  void test(`refuses ${what}`, () => {
    assert.throws(() => toStructural(schema), message);
  });
}

void test('integers get a format and lose zod’s own bounds; empty defaults are left out', () => {
  const schema = z.strictObject({
    small: z.int().min(0).max(9).describe('x'),
    large: z.int().describe('x'),
    list: z.array(z.boolean()).max(2).default([]).describe('x'),
    either: z
      .union([z.int().min(1).max(5), z.string().max(3)])
      .meta({ 'x-kubernetes-int-or-string': true })
      .describe('x'),
  });
  const { properties, required } = toStructural(schema);
  assert.deepEqual(properties?.['small'], {
    type: 'integer',
    format: 'int32',
    minimum: 0,
    maximum: 9,
    description: 'x',
  });
  assert.deepEqual(properties?.['large'], { type: 'integer', format: 'int64', description: 'x' });
  assert.equal(properties?.['list']?.default, undefined);
  assert.deepEqual(properties?.['either'], {
    description: 'x',
    'x-kubernetes-int-or-string': true,
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    minimum: 1,
    maximum: 5,
    maxLength: 3,
  });
  assert.deepEqual(required, ['small', 'large', 'either']);
});
