-- What wrk found, as one JSON object.
function done(summary, latency, _)
  local e = summary.errors
  print(string.format(
    '{"answers": %d, "seconds": %.6f, "errors": %d, "p50_us": %.1f, "p99_us": %.1f}',
    summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
