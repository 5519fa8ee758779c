"""The server's description in OpenAPI 3.1."""

from collections.abc import Sequence
from typing import Any

from .limits import Limits

_STRING, _CHANCE, _PLACE = {"type": "string"}, {"type": "number", "minimum": 0, "maximum": 1}, {"type": "integer"}
_REFUSALS = {
    400: "The body is not JSON in UTF-8.",
    408: "The body does not arrive in time.",
    413: "The body is too long.",
    415: "The body is not declared as JSON.",
    422: "A field is unknown, missing, of another type, or beyond a limit.",
    500: "A defect of the server.",
    503: "Too many requests wait, or the answer takes too long; try again.",
}


def document(models: Sequence[str], limits: Limits) -> dict[str, Any]:
    """Return the description of a server of these models."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "structkd",
            "version": "1",
            "description": "Labels, entities and their probabilities in texts. Offsets count Unicode characters.",
        },
        "paths": {
            "/tag": {"post": _tag()},
            "/models": {"get": _get("The models; the first answers requests that name none.", "Models")},
            "/health": {"get": _get("The server answers.", "Health")},
            "/metrics": {
                "get": {
                    "summary": "Metrics in Prometheus's text format.",
                    "responses": {"200": {"description": "Metrics.", "content": {"text/plain": {"schema": _STRING}}}},
                }
            },
        },
        "components": {"schemas": _schemas(models, limits)},
    }


def _tag() -> dict[str, Any]:
    refusals = {str(status): _answer(text, "Error") for status, text in _REFUSALS.items()}
    refusals["503"]["headers"] = {"Retry-After": {"schema": _PLACE, "description": "Seconds."}}
    return {
        "summary": "Tag a text, or several.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("Request")}}},
        "responses": {"200": _answer("A record for each text, in order.", "Records"), **refusals},
    }


def _schemas(models: Sequence[str], limits: Limits) -> dict[str, Any]:
    text = {"type": "string", "maxLength": limits.text_characters}
    request = {
        "text": text,
        "texts": {"type": "array", "items": text, "maxItems": limits.texts},
        "model": {"enum": list(models), "default": models[0]},
        "k": {
            "type": "integer",
            "minimum": 0,
            "maximum": limits.k,
            "default": 0,
            "description": "The number of most probable label sequences to return.",
        },
        "marginals": {
            "type": "boolean",
            "default": False,
            "description": "Return the probability of each label at each token.",
        },
        "threshold": {**_CHANCE, "default": 0, "description": "Leave out entities that are less probable."},
    }
    return {
        "Request": {
            "type": "object",
            "properties": request,
            "additionalProperties": False,
            "oneOf": [{"required": ["text"]}, {"required": ["texts"]}],
        },
        "Records": _object({"model": _STRING, "records": _array(_ref("Record"))}),
        "Record": _record(),
        "Entity": _object({"type": _STRING, "text": _STRING, "start": _PLACE, "end": _PLACE, "probability": _CHANCE}),
        "Labeling": _object({"labels": _array(_STRING), "probability": _CHANCE}),
        "Models": _object(
            {
                "models": _array(
                    _object(
                        {
                            "name": _STRING,
                            "labels": _array(_STRING),
                            "entities": {"type": "boolean", "description": "False if labels are of single words."},
                        }
                    )
                )
            }
        ),
        "Health": _object({"status": {"const": "ok"}}),
        "Error": _object(
            {
                "error": _object(
                    {
                        "message": _STRING,
                        "field": {"type": ["string", "null"], "description": "The wrong part of the request."},
                        "found": _STRING,
                        "expected": _STRING,
                    }
                )
            }
        ),
    }


def _record() -> dict[str, Any]:
    pair = {"type": "array", "items": _PLACE, "minItems": 2, "maxItems": 2}
    always = {
        "text": _STRING,
        "tokens": _array(_STRING),
        "offsets": {**_array(pair), "description": "The start and the end of each token."},
        "labels": _array(_STRING),
        "probabilities": {**_array(_CHANCE), "description": "The marginal probability of each token's label."},
        "entities": _array(_ref("Entity")),
    }
    asked = {
        "labelings": {**_array(_ref("Labeling")), "description": "With `k`: the most probable, best first."},
        "marginals": {
            **_array(_array(_CHANCE)),
            "description": "With `marginals`: a row for each token, in the order of the model's labels.",
        },
    }
    return {**_object(always), "properties": always | asked}


def _get(text: str, schema: str) -> dict[str, Any]:
    return {"summary": text, "responses": {"200": _answer(text, schema)}}


def _answer(text: str, schema: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": _ref(schema)}}}


def _ref(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}


def _array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _object(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that has exactly these fields."""
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
