-- wrk: calls of many keys on many routes, some much busier than others.
-- Arguments: a file with a key a line, the number of routes and a seed.
local requests, n = {}, 0

function init(args)
	local keys = {}
	for key in io.lines(args[1]) do
		keys[#keys + 1] = key
	end
	math.randomseed(tonumber(args[3]))
	for i = 1, 20000 do
		local token = math.min(#keys, math.floor(1 / (1 - math.random()) ^ 2))
		local route = 1 + (token * 7 + math.random(5)) % tonumber(args[2])
		requests[i] = wrk.format("GET", string.format("/api/r%d/bytes/%d", route, i % 500), {
			["X-API-Key"] = keys[token], ["User-Agent"] = "workflow/1.80",
			["Accept"] = "application/json"})
	end
end

function request()
	n = n % #requests + 1
	return requests[n]
end
