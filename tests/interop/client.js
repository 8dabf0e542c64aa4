// One job for node-mqtt: subscribes, publishes once that is granted, prints each message as a line of JSON, ends when
// `until` has been heard (a JSON payload with these members), and fails when that takes too long.
'use strict'
const mqtt = require('mqtt')

const [port, user, password, version, text] = process.argv.slice(2)
const job = JSON.parse(text)
const v5 = version === '5'
const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
  username: user,
  password,
  protocolVersion: v5 ? 5 : 4,
  reconnectPeriod: 0
})
setTimeout(() => fail('too late'), 50000)

function fail (why) {
  console.error(String(why))
  process.exit(1)
}

function fits (payload) {
  try {
    const value = JSON.parse(payload)
    return Object.entries(job.until).every(([key, wanted]) => value[key] === wanted)
  } catch {
    return false
  }
}

client.on('error', fail)
client.on('close', () => fail('the broker ended the connection'))
client.on('connect', () => client.subscribe(job.subscribe, { qos: 1 }, (error) => {
  if (error) fail(error)
  if (!job.topic) return
  const options = { qos: job.qos === undefined ? 1 : job.qos, retain: Boolean(job.retain) }
  if (v5 && job.responseTopic) {
    options.properties = { responseTopic: job.responseTopic, correlationData: Buffer.from(job.correlation) }
  }
  client.publish(job.topic, job.payload, options, (problem) => problem && fail(problem))
}))
client.on('message', (topic, payload, packet) => {
  const properties = packet.properties || {}
  const correlation = properties.correlationData ? properties.correlationData.toString() : null
  console.log(JSON.stringify({ topic, payload: payload.toString(), retained: packet.retain, correlation }))
  if (job.until === undefined || fits(payload.toString())) {
    process.exit(0)
  }
})
