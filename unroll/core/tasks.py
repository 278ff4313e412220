"""What a model does. It follows from its architecture and from the labels of its corpus."""

TWO, MANY, REBUILD = "two classes", "many classes", "rebuild"
