-- Health of TcpVirtualServer, RealServer and AppWeightMatrix for Argo CD, by their conditions. argocd-cm.yaml holds it for
-- each of the three kinds; see docs/kubernetes/gitops.md.
local health = { status = "Progressing", message = "Waiting for the controller" }

local function condition(type)
  for _, each in ipairs((obj.status or {}).conditions or {}) do
    if each.type == type then return each end
  end
  return {}
end

local ready = condition("Ready")
-- Said of an older generation, or of none: the default status that the API gives to new objects.
local seen = ready.observedGeneration or (obj.status or {}).observedGeneration
if seen ~= obj.metadata.generation then return health end

if ready.message ~= nil then health.message = ready.reason .. ": " .. ready.message end

if condition("Stalled").status == "True" then
  health.status = "Degraded"
  health.message = condition("Stalled").reason .. ": " .. condition("Stalled").message
elseif condition("Reconciling").status == "True" then
  health.status = "Progressing"
  health.message = condition("Reconciling").reason .. ": " .. condition("Reconciling").message
elseif ready.status == "True" then
  health.status = "Healthy"
elseif obj.spec.suspend and ready.reason == "Suspended" then
  health.status = "Suspended"
elseif ready.status == "False" and ready.reason ~= "NoProxies" then
  health.status = "Degraded"
end
return health
