import SpindleCore

extension BatchReceiptBody {
    /// The same text as the encoder's: at a thousand entries a batch, that takes as long as the submissions do.
    var text: JSONText {
        var text = JSONText(capacity: 128 * executions.count)
        text.append(verbatim: "{\"executions\":[")
        for (position, entry) in executions.enumerated() {
            if position > 0 { text.append(verbatim: ",") }
            entry.write(to: &text)
        }
        text.append(verbatim: "]}")
        return text
    }
}

extension BatchReceiptBody.Entry {
    /// An entry of a batch: its executions are not waited for, so there are none to show.
    fileprivate func write(to text: inout JSONText) {
        text.append(verbatim: "{")
        if let problem { problem.write(to: &text) }
        if let receipt {
            if problem != nil { text.append(verbatim: ",") }
            receipt.write(to: &text)
        }
        text.append(verbatim: "}")
    }
}

extension ReceiptBody {
    fileprivate func write(to text: inout JSONText) {
        text.append(verbatim: "\"receipt\":{\"created\":")
        text.append(.bool(created))
        text.append(verbatim: ",\"id\":")
        text.append(id)
        text.append(verbatim: ",\"shortId\":")
        text.append(shortId)
        text.append(verbatim: "}")
    }
}

extension ProblemBody {
    fileprivate func write(to text: inout JSONText) {
        text.append(verbatim: "\"problem\":{\"code\":")
        text.append(code)
        text.append(verbatim: ",\"detail\":")
        text.append(detail)
        if let requestId {
            text.append(verbatim: ",\"requestId\":")
            text.append(requestId)
        }
        text.append(verbatim: ",\"status\":")
        text.append(.int(Int64(status)))
        text.append(verbatim: ",\"title\":")
        text.append(title)
        text.append(verbatim: ",\"type\":")
        text.append(type)
        text.append(verbatim: "}")
    }
}
