"""What is offered to customers: quotes, their drafts, lines, periods and prices."""

from billing.quoting.models.calculator import AccountProductQuote
from billing.quoting.models.drafts import PricingDraft, QuoteDraft
from billing.quoting.models.lines import QuotePeriod, QuoteProduct, QuoteProductPeriod
from billing.quoting.models.mappings import MicrosoftDynamicsMapping
from billing.quoting.models.quotes import Quote

__all__ = [
    "AccountProductQuote",
    "MicrosoftDynamicsMapping",
    "PricingDraft",
    "Quote",
    "QuoteDraft",
    "QuotePeriod",
    "QuoteProduct",
    "QuoteProductPeriod",
]
