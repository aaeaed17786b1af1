/**
 * The bill of materials of the bundle: CycloneDX 1.5. Of what is in it, not of what might have been installed; and without
 * serial number and time, so that the same sources give the same bytes (`npm sbom` has neither property).
 */
import type { Component } from './components.ts';

interface Product {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly description: string;
  /** Version of the Node that the image brings. */
  readonly node: string;
}

export function sbom(product: Product, components: readonly Component[]): string {
  const document = {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      component: {
        'bom-ref': product.name,
        type: 'application',
        name: product.name,
        version: product.version,
        description: product.description,
        licenses: licenses(product.license),
        purl: packageUrl(product),
      },
    },
    components: [
      { 'bom-ref': 'node', type: 'platform', name: 'node', version: product.node, licenses: licenses('MIT') },
      ...components.map((component) => ({
        'bom-ref': packageUrl(component),
        type: 'library',
        name: component.name,
        version: component.version,
        licenses: licenses(component.license),
        purl: packageUrl(component),
        hashes: [{ alg: 'SHA-512', content: hex(component.integrity) }],
      })),
    ],
    dependencies: [{ ref: product.name, dependsOn: ['node', ...components.map(packageUrl)] }],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

export function packageUrl({ name, version }: { readonly name: string; readonly version: string }): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

function licenses(spdx: string): readonly object[] {
  return /[ (]/.test(spdx) ? [{ expression: spdx }] : [{ license: { id: spdx } }];
}

function hex(integrity: string): string {
  return Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
}
