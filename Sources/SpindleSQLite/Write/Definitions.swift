internal import Crypto
internal import SpindleCore

/// What many executions share: interned, so that a row carries a number, and editing a job changes no work already queued.
struct Definition: Hashable {
    var jobName: String?
    var policy: JobPolicy
}

/// The definitions met lately, both ways.
struct DefinitionCache {
    /// Beyond so many everything is forgotten: a client that makes each policy different must not fill the memory.
    private static let limit = 4096
    private(set) var ids: [Definition: Int64] = [:]
    private(set) var definitions: [Int64: Definition] = [:]
    private var last: (definition: Definition, id: Int64)?

    subscript(definition: Definition) -> Int64? {
        mutating get {
            if let last, last.definition == definition { return last.id }
            guard let id = ids[definition] else { return nil }
            last = (definition, id)
            return id
        }
    }

    mutating func remember(_ definition: Definition, _ id: Int64) {
        if ids.count >= Self.limit { self = DefinitionCache() }
        ids[definition] = id
        definitions[id] = definition
    }
}

extension StoreWriter {
    /// The number of a definition, which is added if it is new.
    func id(of definition: Definition) throws -> Int64 {
        if let id = definitions[definition] { return id }
        let body = try StoredJSON.text(StoredPolicy(definition.policy))
        let hash = Array(SHA256.hash(data: Array("\(definition.jobName ?? "")\0\(body)".utf8)))
        let insert = try prepare(.internDefinition)
        insert.add(hash)
        insert.add(definition.jobName)
        insert.add(definition.policy.onInterrupted == .fail ? Int64(1) : 0)
        insert.add(body)
        try insert.run()
        let find = try prepare(.findDefinition)
        find.add(hash)
        guard try find.step() else { throw SpindleError(.internal, "A definition was not stored.") }
        let id = find.int(0)
        find.end()
        definitions.remember(definition, id)
        return id
    }

    /// The definition of a number.
    func definition(_ id: Int64) throws -> Definition {
        if let known = definitions.definitions[id] { return known }
        let row = try prepare(.readDefinition)
        row.add(id)
        guard try row.step(), let body = row.text(1) else {
            throw SpindleError(.storeUnavailable, "The store is damaged: definition \(id) is missing.")
        }
        let definition = Definition(jobName: row.text(0), policy: try StoredJSON.value(StoredPolicy.self, body).policy)
        row.end()
        definitions.remember(definition, id)
        return definition
    }
}
