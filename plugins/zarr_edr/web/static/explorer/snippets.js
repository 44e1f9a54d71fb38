// The same request for other programs.

import { inFormat } from './queries.js'

/** A URL between quotes of Python and JavaScript. */
const literal = text => JSON.stringify(text)

/** Names and texts of the snippets for a request: `formats` are those that its query offers, `chosen` is the one that is wanted where any will do. */
export function snippetsOf (url, formats, flat, chosen = '') {
  const has = name => formats.includes(name)
  const format = has(chosen) ? chosen : has('CSV') ? 'CSV' : 'CoverageJSON'
  const found = [['curl', curl(inFormat(url, format), `values.${ENDINGS[format] ?? format.toLowerCase()}`)]]
  if (has('CSV')) found.push(['Python, pandas', pandas(inFormat(url, 'CSV'))])
  if (has('NetCDF')) found.push(['Python, xarray', xarray(inFormat(url, 'NetCDF'))])
  found.push(['JavaScript', javascript(inFormat(url, 'CoverageJSON'))])
  const map = flat && has('GeoTIFF')
  if (map || has('GeoJSON')) found.push(['QGIS', qgis(map, inFormat(url, map ? 'GeoTIFF' : 'GeoJSON'))])
  return found
}

const curl = (url, file) => `curl '${url}' -o ${file}`

const pandas = url => `# pip install pandas
import pandas as pd

table = pd.read_csv(${literal(url)})
print(table)`

const xarray = url => `# pip install xarray h5netcdf requests
import io

import requests
import xarray as xr

answer = requests.get(${literal(url)}, timeout=60)
answer.raise_for_status()
dataset = xr.open_dataset(io.BytesIO(answer.content), engine="h5netcdf")
print(dataset)`

const javascript = url => `const answer = await fetch(${literal(url)})
if (!answer.ok) throw new Error((await answer.json()).description)
const coverage = await answer.json()
console.log(coverage.ranges ?? coverage.coverages)`

const qgis = (map, url) => map
  ? `1. Layer > Add Layer > Add Raster Layer
2. Source type: Protocol: HTTP(S)
3. URI: ${url}
4. Add`
  : `1. Layer > Add Layer > Add Vector Layer
2. Source type: Protocol: HTTP(S), type GeoJSON
3. URI: ${url}
4. Add`

/** What a file of each format is called at its end. */
export const ENDINGS = {
  CoverageJSON: 'covjson',
  'CoverageJSON-points': 'points.covjson',
  GeoJSON: 'geojson',
  CSV: 'csv',
  Records: 'json',
  NDJSON: 'ndjson',
  Parquet: 'parquet',
  GeoParquet: 'geo.parquet',
  Arrow: 'arrows',
  NetCDF: 'nc',
  Zarr: 'zarr.zip',
  GeoTIFF: 'tif',
  PNG: 'png',
  HTML: 'html'
}
