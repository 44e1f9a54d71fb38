// Reads a CoverageJSON document from a file or standard input, and prints what covjson-reader understood of it:
// a list of coverages, each {domainType, axes: {name: {values, coordinates}}, ranges: {key: {shape, values}}}.
'use strict'

const fs = require('node:fs')
const { read } = require('covjson-reader')

// Values of an n-dimensional range in row-major order.
function flatten (range) {
  const axes = [...range.shape]
  const values = []
  const visit = (depth, index) => {
    if (depth === axes.length) {
      values.push(range.get(index))
      return
    }
    const [name, size] = axes[depth]
    for (let i = 0; i < size; i++) visit(depth + 1, { ...index, [name]: i })
  }
  visit(0, {})
  return { shape: axes, values }
}

async function describe (coverage) {
  const domain = await coverage.loadDomain()
  const axes = {}
  for (const [name, axis] of domain.axes) {
    axes[name] = { values: Array.from(axis.values), coordinates: axis.coordinates ?? axis.components }
  }
  const ranges = {}
  for (const key of coverage.parameters.keys()) {
    ranges[key] = flatten(await coverage.loadRange(key))
  }
  const parameters = {}
  for (const [key, parameter] of coverage.parameters) {
    parameters[key] = { label: parameter.observedProperty.label?.en, unit: parameter.unit?.symbol?.value ?? parameter.unit?.symbol }
  }
  return { domainType: coverage.domainType, axes, parameters, ranges }
}

async function main () {
  const document = JSON.parse(fs.readFileSync(process.argv[2] ?? 0, 'utf8'))
  const found = await read(document)
  const coverages = found.coverages ?? [found]
  process.stdout.write(JSON.stringify(await Promise.all(coverages.map(describe))))
}

main().catch(error => {
  console.error(error)
  process.exitCode = 1
})
