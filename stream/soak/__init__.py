"""The fault harness: workers and brokers are hurt on purpose, then every promise is looked at.

A seed gives a schedule of faults and a feed of events (`schedule`, `feed`); `trial` plays both on a
real Kafka with real workers (`crew`, `cluster`); afterwards the engine alone works off the same log
(`oracle`), and `judge` compares all that the stream has said and stored with it.
"""
