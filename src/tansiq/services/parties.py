"""What a party of the agreement may ask of a register, beyond what strangers may."""

from functools import lru_cache

from tansiq.domain import geodesy
from tansiq.domain.agreement import Agreement
from tansiq.domain.volume import Outline
from tansiq.engine.enlarge import enlarged
from tansiq.services.register import (
    CONFORMANCE_MONITORING,
    CONSTRAINT_MANAGEMENT,
    CONSTRAINT_PROCESSING,
    STRATEGIC_COORDINATION,
    Caller,
)
from tansiq.settings import Limits

ALL_SCOPES = frozenset(
    {
        STRATEGIC_COORDINATION,
        CONSTRAINT_MANAGEMENT,
        CONSTRAINT_PROCESSING,
        CONFORMANCE_MONITORING,
    }
)


def search_km2_max(agreement: Agreement) -> float:
    """Return the largest area that a party names: one of its volumes, or the whole agreed area,
    either with its enlargement.
    """
    margin_m = 1.1 * agreement.minima_table.largest.horizontal_m + 1_000.0
    return 1.05 * max(_enlarged_km2(agreement.area, margin_m), agreement.area_km2_max)


@lru_cache(maxsize=8)
def _enlarged_km2(outline: Outline, by_m: float) -> float:
    return geodesy.area_km2(enlarged(outline, by_m))


def party_caller(
    party_id: str, agreement: Agreement, limits: Limits, scopes: frozenset[str] = ALL_SCOPES
) -> Caller:
    """Return a party as our register's caller."""
    return Caller(
        id=party_id,
        scopes=scopes,
        area_km2_max=search_km2_max(agreement),
        subscription_max=limits.plan_ahead_max,
        party=True,
    )
