import SpindleCore
import Yams

// What the operator makes of a plugin under names of their own.
extension SidecarReader {
    func triggers(_ node: Node, _ parent: String) throws(SpindleError) -> [Sidecar.Trigger] {
        var result: [Sidecar.Trigger] = []
        for item in try list(node, parent) {
            var trigger = Sidecar.Trigger(name: "", uses: "")
            for (key, name, value) in try entries(item, parent, ["name", "uses", "config"]) {
                switch key {
                case "name": trigger.name = try type(value, name)
                case "uses": trigger.uses = try type(value, name)
                case "config": trigger.config = try config(value, name)
                default: break
                }
            }
            if trigger.name.isEmpty { throw error(item, "\(parent).name: each entry needs a name.") }
            if trigger.uses.isEmpty { trigger.uses = trigger.name }
            if result.contains(where: { $0.name == trigger.name }) {
                throw error(item, "\(parent).name: \"\(trigger.name)\" is there twice; each name once.")
            }
            result.append(trigger)
        }
        return result
    }

    func instances(_ node: Node, _ parent: String) throws(SpindleError) -> [Sidecar.Instance] {
        var result: [Sidecar.Instance] = []
        for item in try list(node, parent) {
            var instance = Sidecar.Instance(type: "", uses: "")
            for (key, name, value) in try entries(item, parent, ["type", "uses", "config", "concurrency"]) {
                switch key {
                case "type": instance.type = try type(value, name)
                case "uses": instance.uses = try type(value, name)
                case "config": instance.config = try config(value, name)
                case "concurrency": instance.concurrency = try integer(value, name, Limits.slots)
                default: break
                }
            }
            if instance.type.isEmpty { throw error(item, "\(parent).type: each entry needs the type that jobs name.") }
            if instance.uses.isEmpty { instance.uses = instance.type }
            if result.contains(where: { $0.type == instance.type }) {
                throw error(item, "\(parent).type: \"\(instance.type)\" is there twice; each type once.")
            }
            result.append(instance)
        }
        return result
    }
}
