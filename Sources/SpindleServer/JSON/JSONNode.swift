/// A value of JSON as it stands in a text: members in their order, numbers in their digits.
enum JSONNode {
    case null
    case bool(Bool)
    /// In the digits that were written: what fits is the reader's question.
    case number(JSONNumber)
    case text(String)
    case list([JSONNode])
    case object(JSONMembers)
}

/// The members of an object. If a name is there twice, the first counts.
struct JSONMembers {
    struct Member {
        let name: String
        let value: JSONNode
    }

    private(set) var list: [Member] = []
    /// Where each name is, once there are so many that looking through them would cost more.
    private var places: [String: Int]?

    private static let few = 16

    subscript(name: String) -> JSONNode? {
        if let places { return places[name].map { list[$0].value } }
        for member in list where member.name == name { return member.value }
        return nil
    }

    mutating func append(_ name: String, _ value: JSONNode) {
        if places == nil, list.count == Self.few {
            places = Dictionary(list.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        }
        if places != nil {
            // What can never be read is not kept.
            guard places?[name] == nil else { return }
            places?[name] = list.count
        }
        list.append(Member(name: name, value: value))
    }
}
