-- HAProxy asks Hall whether a request may pass: `http-request lua.hall_ask SITE 2s`, with the lines that
-- `hallctl proxy-config haproxy` prints. HAProxy 2.6 or later, loaded by lua-load-per-thread.
--
-- Only where Hall says that it may, txn.hall_passed is set; the next line there refuses all others. So nothing that
-- fails in here lets anybody in. Hall's own answer to a visitor who may not pass is given from here.

-- Headers of Hall's answer that are of that one connection, or that the new answer gets by itself.
local unfit = {
  ["connection"] = true, ["content-length"] = true, ["keep-alive"] = true, ["transfer-encoding"] = true, ["x-hall-said"] = true,
}

-- What Hall reads of the request. The client puts values of its own where these two are absent: an empty one is removed later.
local function headers_for(txn, site, wait)
  local came = txn.http:req_get_headers()
  local headers = {["accept"] = {""}, ["user-agent"] = {""}}
  for name in txn:get_var("proc.hall_reads"):gmatch("%S+") do
    headers[name] = came[name] or headers[name]
  end
  headers["host"] = {"hall"}
  headers["x-hall-site"] = {site}
  headers["x-hall-wait"] = {wait}
  return headers
end

-- Is it of Hall itself, or what HAProxy says when Hall gives no answer?
local function is_said(answer)
  return answer and answer.headers and answer.headers["x-hall-said"] ~= nil
end

-- Waits until the health checks have found that Hall is away, or for as long as they could take.
local function wait_for_checks(txn)
  local began = core.now().sec
  while tonumber(txn.f:nbsrv("hall")) > 0 and core.now().sec - began < 4 do
    core.msleep(100)
  end
end

-- Hall's answer. One that is missing opens nothing: only while the health checks say that Hall is away does another
-- answer in its place, where proc.hall_opens.
local function ask(txn, site, wait)
  local request = {url = "http://127.0.0.1/auth", dst = txn:get_var("proc.hall_door"), headers = headers_for(txn, site, wait)}
  local answer = core.httpclient():get(request)
  if not is_said(answer) and txn:get_var("proc.hall_opens") == 1 then
    wait_for_checks(txn)
    answer = core.httpclient():get(request)
  end
  return is_said(answer) and answer or nil
end

local function give(txn, answer)
  local reply = txn:reply{status = answer.status, reason = answer.reason, body = answer.body}
  for name, values in pairs(answer.headers) do
    for _, value in pairs(unfit[name] and {} or values) do
      reply:add_header(name, value)
    end
  end
  txn:done(reply)
end

core.register_action("hall_ask", {"http-req"}, function(txn, site, wait)
  local answer = ask(txn, site, wait)
  if not answer then return end
  if answer.status == 200 then
    txn:set_var("txn.hall_passed", 1)
  else
    give(txn, answer)
  end
end, 2)
