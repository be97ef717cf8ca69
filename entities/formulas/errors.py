"""What is wrong with a formula, and where."""


class FormulaError(ValueError):
    """The formula can't be used; `position` is the 0-based offset into its text.

    The message says what is wrong and what would be right.
    """

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position

    def told(self) -> str:
        """The message with the place as people count it, from 1."""
        return f"{self.message} (At character {self.position + 1}.)"
