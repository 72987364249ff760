// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// Keeps the latest checkpoint of each log. Rules: the registrar (who deployed this) says which account anchors which
/// log; a log never gets shorter, and one size never has two roots, whoever anchors it.
contract Anchor {
    struct Head { uint64 size; uint64 number; bytes32 root; }

    address public immutable registrar = msg.sender;
    mapping(bytes32 => address) public senders;
    mapping(bytes32 => Head) public heads;

    event Registered(bytes32 indexed origin, address indexed sender);
    event Anchored(bytes32 indexed origin, address indexed sender, uint64 size, bytes32 root);

    function register(bytes32 origin, address sender) external {
        require(msg.sender == registrar, "registrar");
        senders[origin] = sender;
        emit Registered(origin, sender);
    }

    function anchor(bytes32 origin, uint64 size, bytes32 root) external {
        require(msg.sender == senders[origin], "sender");
        Head storage head = heads[origin];
        require(size > head.size || (size == head.size && root == head.root), "rollback");
        if (size == head.size) return;
        heads[origin] = Head(size, uint64(block.number), root);
        emit Anchored(origin, msg.sender, size, root);
    }
}
